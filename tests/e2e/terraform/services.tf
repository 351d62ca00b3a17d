terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  skip_requesting_account_id = true
  skip_metadata_api_check    = true
  s3_use_path_style          = true
}
data "aws_caller_identity" "here" {}
data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "reads" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.password.arn]
  }
}
resource "aws_iam_role" "execution" {
  name               = "tf-execution"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
  tags               = { Name = "tf" }
}
resource "aws_iam_role_policy" "reads" {
  name   = "reads"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.reads.json
}
resource "aws_iam_policy" "reads" {
  name   = "tf-reads"
  policy = data.aws_iam_policy_document.reads.json
}
resource "aws_iam_role_policy_attachment" "reads" {
  role       = aws_iam_role.execution.name
  policy_arn = aws_iam_policy.reads.arn
}
resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}
resource "aws_kms_key" "own" {
  description             = "tf"
  deletion_window_in_days = 7
}
resource "aws_kms_alias" "own" {
  name          = "alias/tf"
  target_key_id = aws_kms_key.own.key_id
}
resource "aws_secretsmanager_secret" "password" {
  name                    = "tf/password"
  kms_key_id              = aws_kms_key.own.arn
  recovery_window_in_days = 0
  tags                    = { Name = "tf" }
}
resource "aws_secretsmanager_secret_version" "password" {
  secret_id     = aws_secretsmanager_secret.password.id
  secret_string = jsonencode({ user = "tf", word = "hush" })
}
resource "aws_ssm_parameter" "plain" {
  name  = "/tf/plain"
  type  = "String"
  value = "open"
}
resource "aws_ssm_parameter" "sealed" {
  name   = "/tf/sealed"
  type   = "SecureString"
  key_id = aws_kms_key.own.arn
  value  = "hush"
}
resource "aws_s3_bucket" "files" {
  bucket = "tf-files-${data.aws_caller_identity.here.account_id}"
}
resource "aws_s3_object" "file" {
  bucket  = aws_s3_bucket.files.id
  key     = "app/config.json"
  content = "{}"
}
