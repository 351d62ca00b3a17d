# Load balancers of both kinds: listeners, rules, target groups, a certificate, attributes, tags.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_metadata_api_check = true
  default_tags {
    tags = { site = "balancers" }
  }
}

data "aws_availability_zones" "all" {}

resource "aws_vpc" "main" {
  cidr_block = "10.7.0.0/16"
}

resource "aws_subnet" "public" {
  count             = 2
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(aws_vpc.main.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = aws_vpc.main.id
}

resource "aws_eip" "flow" {
  domain = "vpc"
}

resource "aws_acm_certificate" "web" {
  certificate_body = file("${path.module}/certificate.pem")
  private_key      = file("${path.module}/key.pem")
}

resource "aws_lb" "web" {
  name                       = "site-web"
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.web.id]
  subnets                    = aws_subnet.public[*].id
  idle_timeout               = 30
  drop_invalid_header_fields = true
  depends_on                 = [aws_internet_gateway.main]
}

resource "aws_lb" "flow" {
  name               = "site-flow"
  load_balancer_type = "network"
  subnet_mapping {
    subnet_id     = aws_subnet.public[0].id
    allocation_id = aws_eip.flow.id
  }
  enable_cross_zone_load_balancing = true
  depends_on                       = [aws_internet_gateway.main]
}

resource "aws_lb_target_group" "web" {
  name                 = "site-web"
  port                 = 80
  protocol             = "HTTP"
  vpc_id               = aws_vpc.main.id
  target_type          = "ip"
  deregistration_delay = 20
  health_check {
    path     = "/up"
    matcher  = "200-299"
    interval = 10
  }
  stickiness {
    type    = "lb_cookie"
    enabled = true
  }
}

resource "aws_lb_target_group" "other" {
  name        = "site-other"
  port        = 8080
  protocol    = "HTTP"
  vpc_id      = aws_vpc.main.id
  target_type = "ip"
}

resource "aws_lb_target_group" "flow" {
  name        = "site-flow"
  port        = 9000
  protocol    = "TCP"
  vpc_id      = aws_vpc.main.id
  target_type = "ip"
}

resource "aws_lb_target_group_attachment" "flow" {
  target_group_arn = aws_lb_target_group.flow.arn
  target_id        = "10.7.0.99"
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.web.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.web.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate.web.arn
  default_action {
    type = "forward"
    forward {
      target_group {
        arn    = aws_lb_target_group.web.arn
        weight = 90
      }
      target_group {
        arn    = aws_lb_target_group.other.arn
        weight = 10
      }
      stickiness {
        enabled  = true
        duration = 60
      }
    }
  }
}

resource "aws_lb_listener" "flow" {
  load_balancer_arn        = aws_lb.flow.arn
  port                     = 9000
  protocol                 = "TCP"
  tcp_idle_timeout_seconds = 60
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.flow.arn
  }
}

resource "aws_lb_listener_rule" "static" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.other.arn
  }
  condition {
    path_pattern {
      values = ["/static/*"]
    }
  }
  condition {
    http_header {
      http_header_name = "X-Kind"
      values           = ["a*"]
    }
  }
}

resource "aws_lb_listener_rule" "closed" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 20
  action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      message_body = "closed"
      status_code  = "503"
    }
  }
  condition {
    query_string {
      key   = "closed"
      value = "1"
    }
  }
  condition {
    source_ip {
      values = ["10.0.0.0/8"]
    }
  }
}

data "aws_lb" "web" {
  arn = aws_lb.web.arn
}

data "aws_lb_hosted_zone_id" "main" {}

output "zones" {
  value = [data.aws_lb.web.zone_id, data.aws_lb_hosted_zone_id.main.id]
}
