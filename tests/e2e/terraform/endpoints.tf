terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  skip_requesting_account_id = true
  skip_metadata_api_check    = true
}
data "aws_region" "here" {}
data "aws_availability_zones" "here" { state = "available" }
data "aws_prefix_list" "s3" { name = "com.amazonaws.${data.aws_region.here.name}.s3" }
data "aws_vpc_endpoint_service" "logs" {
  service      = "logs"
  service_type = "Interface"
}
resource "aws_vpc" "main" {
  cidr_block           = "10.62.0.0/16"
  enable_dns_hostnames = true
}
resource "aws_subnet" "each" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.here.names[count.index]
}
resource "aws_route_table" "private" { vpc_id = aws_vpc.main.id }
resource "aws_route_table_association" "each" {
  count          = 2
  subnet_id      = aws_subnet.each[count.index].id
  route_table_id = aws_route_table.private.id
}
resource "aws_ec2_managed_prefix_list" "offices" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5
  entry {
    cidr        = "192.0.2.0/24"
    description = "head office"
  }
  entry { cidr = "198.51.100.0/24" }
  tags = { Name = "offices" }
}
resource "aws_ec2_managed_prefix_list_entry" "branch" {
  prefix_list_id = aws_ec2_managed_prefix_list.alone.id
  cidr           = "203.0.113.0/24"
}
resource "aws_ec2_managed_prefix_list" "alone" {
  name           = "alone"
  address_family = "IPv4"
  max_entries    = 2
}
resource "aws_security_group" "endpoints" {
  name   = "endpoints"
  vpc_id = aws_vpc.main.id
  ingress {
    from_port       = 443
    to_port         = 443
    protocol        = "tcp"
    prefix_list_ids = [aws_ec2_managed_prefix_list.offices.id]
    cidr_blocks     = [aws_vpc.main.cidr_block]
  }
  egress {
    from_port       = 443
    to_port         = 443
    protocol        = "tcp"
    prefix_list_ids = [data.aws_prefix_list.s3.id]
  }
}
resource "aws_vpc_endpoint" "logs" {
  vpc_id              = aws_vpc.main.id
  service_name        = data.aws_vpc_endpoint_service.logs.service_name
  vpc_endpoint_type   = "Interface"
  subnet_ids          = aws_subnet.each[*].id
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
  tags                = { Name = "logs" }
}
resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.main.id
  service_name = "com.amazonaws.${data.aws_region.here.name}.s3"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "*" }]
  })
}
resource "aws_vpc_endpoint_route_table_association" "s3" {
  route_table_id  = aws_route_table.private.id
  vpc_endpoint_id = aws_vpc_endpoint.s3.id
}
resource "aws_vpc_dhcp_options" "corp" {
  domain_name         = "corp.example"
  domain_name_servers = ["AmazonProvidedDNS"]
  ntp_servers         = ["169.254.169.123"]
}
resource "aws_vpc_dhcp_options_association" "corp" {
  vpc_id          = aws_vpc.main.id
  dhcp_options_id = aws_vpc_dhcp_options.corp.id
}
