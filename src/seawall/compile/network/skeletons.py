"""The fixed part of each namespace's packet policy.  Everything that changes is in sets, maps and chains.

A packet's mark: the low half is the policy of the sender's groups (0: none), the high half its route table.
IPv4 only; IPv6 is switched off by sysctl in every namespace.
"""

POLICY_BITS = 16
POLICY_MASK = 0xFFFF

# What most packets match stands first in each chain; a gateway is no key of `source`.
# Two forward chains, because the accept of the sender's groups must not skip the receiver's.
VPC = """
    counter spoofed { }

    chain classify {
        type filter hook prerouting priority mangle; policy drop;
        meta mark set iif . ip saddr map @source accept
        iif lo accept
        iif @gateways ip saddr @networks drop
        iif @gateways ip daddr @networks drop
        meta mark set iif map @unchecked_source accept
        counter name spoofed
    }
    chain translate_in {
        type nat hook prerouting priority dstnat; policy accept;
        iif @gateways dnat ip to ip daddr map @public_to_private
    }
    chain send {
        type filter hook forward priority filter; policy drop;
        ct status confirmed accept
        ct state invalid drop
        iif @gateways oif @gateways drop
        oif @gateways ip saddr != @public_sources drop
        meta mark & 0xffff vmap @egress
    }
    chain receive {
        type filter hook forward priority filter + 10; policy drop;
        ct status confirmed accept
        meta mark set oif map @receivers
        meta mark vmap @ingress
    }
    chain translate_out {
        type nat hook postrouting priority srcnat; policy accept;
        oif @gateways snat ip to ip saddr map @private_to_public
    }
    chain arrive {
        type filter hook input priority filter; policy drop;
        iif lo accept
        iif @gateways drop
        ip daddr @resolvers udp dport 53 accept
        ip daddr @resolvers tcp dport 53 accept
        ct state related accept
    }
"""

# One interface; what it did not ask for never comes in.
NAT_GATEWAY = """

    chain send {
        type filter hook forward priority filter; policy drop;
        ct status confirmed accept
        ct state invalid drop
        ip saddr @addresses drop
        meta l4proto { tcp, udp, icmp } accept
    }
    chain translate_tcp {
        type nat hook postrouting priority srcnat; policy accept;
        meta l4proto { tcp, udp } snat ip to oif map @translation : 1024-65535 fully-random
        snat ip to oif map @translation
    }
    chain arrive {
        type filter hook input priority filter; policy drop;
        ct state related accept
    }
"""

# The router of the internet keeps no state.  Only public addresses have routes, and only their owner may
# send from them.  What comes from the uplink was asked for: that keeps state.
EDGE = """

    chain classify {
        type filter hook prerouting priority raw; policy drop;
        iif lo accept
        iif . ip saddr @source accept
        iif @clients ip saddr @client_networks accept
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
