"""The fixed part of each namespace's packet policy.  Everything that changes is in sets, maps and chains.

A packet's mark: the lowest 15 bits are the policy of the sender (see policies; 0: none), the high half is its
route table, and the bit between says that nothing has to be asked about packets of known flows.
docs/design/0007-packet-policy.md tells why each chain stands where it does.
"""

POLICY_BITS = 16
POLICY_MASK = 0x7FFF
NOTHING_TO_ASK = 0x8000

# What most packets match stands first in each chain.  The first rule of send and of receive is only what the
# others come to for a sender with groups, in a VPC without egress-only gateway and without ACL that refuses.
# Two forward chains, because the accept of the sender's groups must not skip the receiver's.
# A connection's mark is 1 where AWS tracks it always, whatever its rules.  A device that is no receiver yet
# matches no policy, not the one that the sender's groups left in the mark.
# The answer to what came in under a public address gets that address back at the internet gateway only; on
# another way out nobody would know it, so it ends here.
# A packet that a transit gateway brings back belongs to the flow it left with, which is not new any more:
# whether it may leave under its address is asked of senders without groups every time (boundary_out has 0).
# An egress-only gateway knows the connections that went out through it, not those that came in by another.
# What the router reports to a sender (a path's MTU above all) has to pass the ACL of the sender's subnet.
VPC = """
    counter spoofed { }
    set asking { type iface_index; flags dynamic; size 65535; }

    chain classify {
        type filter hook prerouting priority raw; policy drop;
        meta mark set iif . ip saddr map @source4 accept
        meta mark set iif . ip6 saddr map @source6 accept
        iif lo accept
        iif @internet ip daddr @networks drop
        meta mark set iif . ip saddr map @doors4 accept
        meta mark set iif . ip6 saddr map @doors6 accept
        meta mark set iif map @unchecked accept
        ip6 daddr ff00::/8 drop
        counter name spoofed
    }
    chain translate_in {
        type nat hook prerouting priority dstnat; policy accept;
        iif @internet dnat ip to ip daddr map @public_to_private
    }
    chain send {
        type filter hook forward priority filter; policy drop;
        meta mark & 0x8000 == 0x8000 ct status & (confirmed | dnat) == confirmed accept
        meta mark & 0x7fff vmap @boundary_out
        ct status dnat ct direction reply oif != @internet drop
        ct direction reply oif @egress_only drop
        ct status confirmed accept
        ct state invalid drop
        iif @doors oif @doors drop
        iif @egress_only drop
        jump leave
        oif @internet ip daddr @never_public drop
        iif @always_tracked ct mark set 1
        oif @always_tracked ct mark set 1
        meta mark & 0x7fff vmap @egress
    }
    chain boundary {
        meta mark set oif map @receivers
        meta mark vmap @boundary_in
    }
    chain receive {
        type filter hook forward priority filter + 10; policy drop;
        meta mark & 0x8000 == 0x8000 ct status confirmed accept
        oif @bounded jump boundary
        ct status confirmed accept
        meta mark set 0xffffffff
        meta mark set oif map @receivers
        meta mark vmap @ingress
    }
    chain translate_out {
        type nat hook postrouting priority srcnat; policy accept;
        oif @internet snat ip to ip saddr map @private_to_public
    }
    chain answer {
        update @asking { iif limit rate over 1024/second burst 1024 packets } drop
        accept
    }
    chain report {
        type filter hook output priority filter; policy accept;
        oif @bounded icmp type { 3, 11, 12 } jump boundary
        oif @bounded icmpv6 type 1-4 jump boundary
    }
    chain arrive {
        type filter hook input priority filter; policy drop;
        iif lo accept
        iif @doors drop
        ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 jump answer
        ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 jump answer
        ct state related accept
    }
"""

# A flow that a load balancer's node sends on under its client's address is marked when it begins (the mark is
# a mark of what is always tracked, too), and its answers are turned to where the node is; see turning.
_LAST_MARK = "        oif @always_tracked ct mark set 1\n"
TURNING_VPC = (
    VPC.replace(_LAST_MARK, f"{_LAST_MARK}        ct mark set iif map @turners\n")
    + """
    chain turn {
        type filter hook prerouting priority mangle; policy accept;
        ct direction reply ct mark vmap @turns
    }
"""
)

# The router of the internet keeps no state.  Only public addresses have routes, and only their owner may
# send from them.  What comes from the uplink was asked for: that keeps state.
EDGE = """

    chain classify {
        type filter hook prerouting priority raw; policy drop;
        iif lo accept
        iif . ip saddr @source accept
        iif . ip6 saddr @source6 accept
        iif @clients ip saddr @client_networks accept
        iif @clients ip6 saddr @client_networks6 accept
        iif @uplinks accept
    }
"""

# The way to the real internet: out through one device, nothing in that was not asked for, and never to the
# networks around the machine.
UPLINK = """

    chain send {
        type filter hook forward priority filter; policy drop;
        ct status confirmed accept
        ct state invalid drop
        ip daddr @not_the_internet drop
        ip saddr @clients oifname "uplink0" accept
    }
    chain translate_out {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "uplink0" masquerade
    }
    chain arrive {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
    }
"""

# The far side of the tasks' link-local interfaces: each is heard under its own address only, none is
# forwarded.
FARGATE = """

    chain classify {
        type filter hook prerouting priority raw; policy drop;
        iif lo accept
        iif . ip saddr @source accept
    }
    chain send {
        type filter hook forward priority filter; policy drop;
    }
"""
