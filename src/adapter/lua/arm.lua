-- ARM: the one-way door (R1). ARGV: token src fp inst call att due_ms oid merchant profile
local order, stop = load()
if stop then
    return stop
end
local src, fp, inst, call, att = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local now = now_ms()

if is_claimable(order, src, fp) then
    -- A late copy of an earlier ARM expects an attempt that is over: it must not open the next one.
    if order.att + 1 ~= att then
        if order.st == 'READY' then
            return answer('KNOWN', order, now)
        end
        return { 'EMPTY' } -- there were attempts, and Redis has forgotten the order under an unchanged token
    end
    stop = enter_due(now + ARGV[7])
    if stop then
        return stop
    end
    if order.st == 'ABSENT' then
        -- Merchant and profile are resolved once, here, and stay whatever the configuration says later.
        order.src, order.fp, order.oid, order.merchant, order.profile = src, fp, ARGV[8], ARGV[9], ARGV[10]
        redis.call('HSET', KEYS[4], 'v', '1', 'st', 'SENDING', 'fp', fp, 'src', src, 'oid', ARGV[8],
            'merchant', ARGV[9], 'profile', ARGV[10], 'inst', inst, 'call', call, 'att', att, 'seq', 0, 'pub', 0,
            't_arm', now)
    else
        redis.call('HSET', KEYS[4], 'st', 'SENDING', 'inst', inst, 'call', call, 'att', att, 't_arm', now)
    end
    redis.call('SET', KEYS[3], now)
    order.st, order.inst, order.call, order.att, order.t_arm = 'SENDING', inst, call, att, now
    return answer('ARMED', order, now)
end
if order.st == 'SENDING' then
    -- The same call again means that its answer was lost. Another call, our own earlier one included, may have sent.
    if order.inst == inst and order.call == call and order.att == att then
        return answer('ARMED', order, now)
    end
    return answer('SENT_BY_OTHER', order, now)
end
return known(order, src, fp, now)
