"""The addresses of the world's own "internet", all from ranges that are routed nowhere (RFC 2544, 5737)."""

PUBLIC_POOL = "198.18.0.0/16"  # Elastic IPs and auto-assigned public addresses
RESOLVER_ADDRESS = "198.19.0.2"  # the public resolver, for clients on the internet
API_ADDRESS = "198.19.0.10"  # every AWS service name but the registries, ports 80 and 443
REGISTRY_ADDRESS = "198.19.0.11"  # ACCOUNT.dkr.ecr.REGION.amazonaws.com, port 443
CLIENT_NETWORK = "203.0.113.0/24"  # hosts on the internet; .1 is the edge
CLIENT_ADDRESS = "203.0.113.10"  # where `seawall internet -- CMD` runs
LINK_LOCAL_NETWORK = "169.254.172.0/22"  # eth0 of every task
TASK_ENDPOINT_ADDRESS = "169.254.170.2"  # task metadata and credentials, over eth0

IPV6_POOL = "2001:db8:1000::/36"  # the VPCs' blocks of 56 bits (RFC 3849)
CLIENT_IPV6_NETWORK = "2001:db8:cb00:7100::/64"  # hosts on the internet; ::1 is the edge
CLIENT_IPV6_ADDRESS = "2001:db8:cb00:7100::10"
VPC_RESOLVER_IPV6 = "fd00:ec2::253"

S3_NETWORK = "198.19.8.0/24"  # the entries of S3's prefix list
S3_ADDRESS = "198.19.8.10"
ENDPOINT_POOL = "198.19.128.0/17"  # a VPC endpoint, as the services behind it see it

UPLINK_NETWORK = "198.19.1.0/30"  # between the world and the machine, only where the uplink is on
UPLINK_GATEWAY = "198.19.1.1"
UPLINK_ADDRESS = "198.19.1.2"
UPLINK_DEVICE = "uplink0"

EDGE_NAMESPACE = "edge"
CLIENT_NAMESPACE = "internet"
UPLINK_NAMESPACE = "uplink"
