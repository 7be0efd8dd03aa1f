-- DEFER: the order was looked at and nothing changed; its next turn comes later. ARGV: token ahead_ms
local order, stop = load()
if stop then
    return stop
end
local now = now_ms()
local done = redis.pcall('ZADD', KEYS[1], 'XX', now + ARGV[2], KEYS[4])
if type(done) == 'table' then
    return stopped_by(done, 'the due-list')
end
order.res = ''
return answer(order.st == 'ABSENT' and 'ABSENT' or 'MARKED', order, now)
