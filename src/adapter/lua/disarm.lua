-- DISARM: the only way back through the door, on proof that no money moved (R3, classes B and C).
-- ARGV: token inst call att refused_payment_id
local order, stop = load()
if stop then
    return stop
end
local now = now_ms()
local att = tonumber(ARGV[4])

if order.st == 'ABSENT' then
    return answer('ABSENT', order, now)
end
if order.st == 'SENDING' and order.inst == ARGV[2] and order.call == ARGV[3] and order.att == att
    and not order.doubted then
    -- A refused attempt's payment id is remembered: a later "error" under it says nothing about the open attempt (R4).
    local refused = order.refused or ''
    if ARGV[5] ~= '' then
        refused = refused == '' and ARGV[5] or refused .. ' ' .. ARGV[5]
    end
    redis.call('HSET', KEYS[4], 'st', 'READY', 'refused_pids', refused, 'pid', '')
    redis.call('ZREM', KEYS[1], KEYS[4])
    order.st, order.refused, order.pid = 'READY', refused, ''
    return answer('DISARMED', order, now)
end
if order.st == 'READY' and order.att == att and not order.doubted then
    return answer('DISARMED', order, now)
end
return answer('MOVED', order, now)
