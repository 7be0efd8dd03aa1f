-- CLAIM: the restorer takes a shard whose `inc` is not the token: from here on only writes that name this very claim
-- are done there. KEYS: due, inc, last. ARGV: token claim
local inc, last = redis.pcall('GET', KEYS[2]), redis.pcall('GET', KEYS[3])
if type(inc) == 'table' then
    return stopped_by(inc, 'inc')
end
if type(last) == 'table' then
    return stopped_by(last, 'last')
end
if inc == ARGV[1] then
    return { 'HAS_TOKEN' }
end
redis.call('SET', KEYS[2], ARGV[2])
return { 'CLAIMED', last or '' }
