-- RESTORE: the last event that was published of an order, never over a final. What the event does not say stays as it
-- is. ARGV: claim src fp oid merchant profile state body due_ms attempt seq pid refused doubt t_arm horizon_ms
local order, stop = load()
if stop then
    return stop
end
if FINAL[order.st] then
    return { 'FINAL' }
end
local now = now_ms()
local st = ARGV[7]
local seq, pub = math.max(tonumber(ARGV[11]), order.seq), math.max(tonumber(ARGV[11]), order.pub)
local final = FINAL[st]

local function or_known(text, known)
    return text ~= '' and text or known or ''
end

if not final then
    stop = enter_due(now + ARGV[9])
    if stop then
        return stop
    end
end
redis.call('HSET', KEYS[4], 'v', '1', 'st', st, 'src', or_known(ARGV[2], order.src), 'fp', or_known(ARGV[3], order.fp),
    'oid', ARGV[4], 'merchant', or_known(order.merchant, ARGV[5]), 'profile', or_known(order.profile, ARGV[6]),
    'res', ARGV[8], 'att', ARGV[10], 'seq', seq, 'pub', final and seq or pub,
    'pid', or_known(ARGV[12], order.pid), 'refused_pids', or_known(ARGV[13], order.refused),
    'doubt', (order.doubted or ARGV[14] == '1') and '1' or '', 't_arm', or_known(ARGV[15], now), 't_settle', now,
    'inst', '', 'call', '0', 'rsrc', '', 'rid', '')
if final then
    redis.call('PEXPIRE', KEYS[4], ARGV[16]) -- it was read from Kafka: published
    redis.pcall('ZREM', KEYS[1], KEYS[4])
end
return { 'RESTORED' }
