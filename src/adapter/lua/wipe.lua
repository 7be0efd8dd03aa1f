-- WIPE: an owner whose partition was acknowledged under another token takes the shard's `inc` away, so that nobody goes
-- on before a restorer has been here. No token is compared: nobody can tell which one is newer. ARGV: token (unused)
redis.call('DEL', KEYS[2])
return { 'WIPED' }
