# Both families, network ACLs, groups, routes, interfaces, egress-only and edge routing.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_metadata_api_check = true
}

resource "aws_vpc" "core" {
  cidr_block                       = "10.40.0.0/16"
  assign_generated_ipv6_cidr_block = true
  enable_dns_hostnames             = true
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.core.id
  cidr_block = "10.41.0.0/16"
}

resource "aws_subnet" "dual" {
  vpc_id                          = aws_vpc.core.id
  cidr_block                      = "10.40.1.0/24"
  ipv6_cidr_block                 = cidrsubnet(aws_vpc.core.ipv6_cidr_block, 8, 1)
  assign_ipv6_address_on_creation = true
}

resource "aws_subnet" "more" {
  vpc_id     = aws_vpc.core.id
  cidr_block = "10.41.1.0/24"
  depends_on = [aws_vpc_ipv4_cidr_block_association.more]
}

resource "aws_internet_gateway" "out" {
  vpc_id = aws_vpc.core.id
}

resource "aws_egress_only_internet_gateway" "six" {
  vpc_id = aws_vpc.core.id
  tags   = { Name = "six" }
}

resource "aws_network_interface" "box" {
  subnet_id          = aws_subnet.dual.id
  private_ips        = ["10.40.1.10", "10.40.1.11"]
  ipv6_address_count = 1
  security_groups    = [aws_security_group.web.id]
  source_dest_check  = false
  description        = "a middlebox"
}

resource "aws_eip" "box" {
  domain                    = "vpc"
  network_interface         = aws_network_interface.box.id
  associate_with_private_ip = "10.40.1.11"
  depends_on                = [aws_internet_gateway.out]
}

resource "aws_ec2_managed_prefix_list" "them" {
  name           = "them"
  address_family = "IPv4"
  max_entries    = 5
  entry { cidr = "198.51.100.0/24" }
}

resource "aws_route_table" "dual" {
  vpc_id = aws_vpc.core.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.out.id
  }
  route {
    ipv6_cidr_block        = "::/0"
    egress_only_gateway_id = aws_egress_only_internet_gateway.six.id
  }
  route {
    destination_prefix_list_id = aws_ec2_managed_prefix_list.them.id
    network_interface_id       = aws_network_interface.box.id
  }
  route {
    cidr_block           = aws_subnet.more.cidr_block
    network_interface_id = aws_network_interface.box.id
  }
}

resource "aws_route_table_association" "dual" {
  subnet_id      = aws_subnet.dual.id
  route_table_id = aws_route_table.dual.id
}

resource "aws_route_table" "edge" {
  vpc_id = aws_vpc.core.id
  route {
    cidr_block           = aws_subnet.more.cidr_block
    network_interface_id = aws_network_interface.box.id
  }
}

resource "aws_route_table_association" "edge" {
  gateway_id     = aws_internet_gateway.out.id
  route_table_id = aws_route_table.edge.id
}

resource "aws_network_acl" "strict" {
  vpc_id     = aws_vpc.core.id
  subnet_ids = [aws_subnet.dual.id]
  ingress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 80
    to_port    = 443
  }
  ingress {
    rule_no         = 110
    protocol        = "58"
    action          = "allow"
    ipv6_cidr_block = "::/0"
    from_port       = 0
    to_port         = 0
    icmp_type       = 128
    icmp_code       = -1
  }
  egress {
    rule_no    = 100
    protocol   = "-1"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
}

resource "aws_network_acl_rule" "ephemeral" {
  network_acl_id = aws_network_acl.loose.id
  rule_number    = 200
  egress         = false
  protocol       = "udp"
  rule_action    = "deny"
  cidr_block     = "10.0.0.0/8"
  from_port      = 1024
  to_port        = 65535
}

resource "aws_network_acl" "loose" {
  vpc_id = aws_vpc.core.id
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "the web"
  vpc_id      = aws_vpc.core.id
}

resource "aws_vpc_security_group_ingress_rule" "list" {
  security_group_id = aws_security_group.web.id
  prefix_list_id    = aws_ec2_managed_prefix_list.them.id
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_ingress_rule" "six" {
  security_group_id = aws_security_group.web.id
  cidr_ipv6         = "::/0"
  ip_protocol       = "icmpv6"
  from_port         = 128
  to_port           = 0
}

resource "aws_vpc_security_group_egress_rule" "itself" {
  security_group_id            = aws_security_group.web.id
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "-1"
  description                  = "among ourselves"
}
