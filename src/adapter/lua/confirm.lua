-- CONFIRM: the shard is restored; who knows the token may go on. `last` stays as it is: it must fall back together with
-- what is lost. KEYS: due, inc. ARGV: claim token
local stop = stopped()
if stop then
    return stop
end
redis.call('SET', KEYS[2], ARGV[2])
return { 'CONFIRMED' }
