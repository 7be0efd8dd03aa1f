-- DUE: orders whose time has come, moved ahead so that others leave them alone meanwhile. ARGV: token ahead_ms n
local stop = stopped()
if stop then
    return stop
end
local now = now_ms()
local keys = redis.pcall('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
if keys.err then
    return stopped_by(keys, 'the due-list')
end
local list = { 'DUE_LIST', now }
for i = 1, #keys do
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], keys[i])
    list[i + 2] = keys[i]
end
return list
