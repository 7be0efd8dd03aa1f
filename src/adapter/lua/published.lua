-- PUBLISHED: the transaction with this order's event has committed. ARGV: token seq horizon_ms
local order, stop = load()
if stop then
    return stop
end
local now = now_ms()
local seq = tonumber(ARGV[2])

if order.st == 'ABSENT' then
    redis.pcall('ZREM', KEYS[1], KEYS[4]) -- an entry without an order would come back for ever
    return answer('ABSENT', order, now)
end
if seq > order.seq then
    return answer('MOVED', order, now) -- an event of a past that Redis has forgotten marks nothing here
end
if seq > order.pub then
    redis.call('HSET', KEYS[4], 'pub', seq)
    order.pub = seq
end
-- Only now may the order ever be forgotten: final, and its final event is in Kafka.
if FINAL[order.st] and order.pub == order.seq then
    redis.call('PEXPIRE', KEYS[4], ARGV[3])
    redis.pcall('ZREM', KEYS[1], KEYS[4])
end
order.res = ''
return answer('MARKED', order, now)
