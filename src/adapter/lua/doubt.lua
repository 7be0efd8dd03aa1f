-- DOUBT: an open position that may have been sent, whatever Redis remembers of it: UNKNOWN, never over a final. Of an
-- order that is there, src, words, sender and attempt stay. ARGV: claim src fp oid merchant profile state body due_ms
local order, stop = load()
if stop then
    return stop
end
if FINAL[order.st] then
    return { 'FINAL' }
end
local now = now_ms()
stop = enter_due(now + ARGV[9])
if stop then
    return stop
end
if order.st == 'ABSENT' then
    redis.call('HSET', KEYS[4], 'v', '1', 'src', ARGV[2], 'fp', ARGV[3], 'oid', ARGV[4], 'merchant', ARGV[5],
        'profile', ARGV[6], 'inst', '', 'call', '0', 'att', 0, 'pub', 0, 'rsrc', '')
end
redis.call('HSET', KEYS[4], 'st', ARGV[7], 'doubt', '1', 't_arm', now, 't_settle', now, 'res', ARGV[8],
    'seq', order.seq + 1, 'rid', '')
return { 'DOUBTED' }
