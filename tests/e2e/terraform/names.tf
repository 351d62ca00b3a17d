terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  skip_requesting_account_id = true
  skip_metadata_api_check    = true
}
resource "aws_vpc" "each" {
  count                = 2
  cidr_block           = "10.64.0.0/16"
  enable_dns_hostnames = true
}
resource "aws_route53_zone" "public" {
  name    = "tf.test"
  comment = "what the internet sees"
  tags    = { Name = "tf" }
}
resource "aws_route53_zone" "private" {
  name = "tf.internal"
  vpc { vpc_id = aws_vpc.each[0].id }
  lifecycle { ignore_changes = [vpc] }
}
resource "aws_route53_zone_association" "second" {
  zone_id = aws_route53_zone.private.zone_id
  vpc_id  = aws_vpc.each[1].id
}
resource "aws_route53_record" "star" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "*.tf.test"
  type    = "A"
  ttl     = 30
  records = ["198.18.0.1", "198.18.0.2"]
}
resource "aws_route53_record" "top" {
  zone_id = aws_route53_zone.public.zone_id
  name    = "tf.test"
  type    = "A"
  alias {
    name                   = aws_route53_record.star.name
    zone_id                = aws_route53_zone.public.zone_id
    evaluate_target_health = true
  }
}
resource "aws_route53_record" "text" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "text"
  type    = "TXT"
  ttl     = 30
  records = ["v=1; a b"]
}
resource "aws_route53_record" "split" {
  count          = 2
  zone_id        = aws_route53_zone.private.zone_id
  name           = "split"
  type           = "CNAME"
  ttl            = 30
  set_identifier = "s${count.index}"
  records        = ["host${count.index}.tf.internal"]
  weighted_routing_policy { weight = count.index }
}
