# The STS of the same address: who the caller is, and what a caller without a right key is told.
set -euo pipefail
test "$(aws sts get-caller-identity --query Arn --output text)" = "arn:aws:iam::000000000000:root"
test "$(aws sts get-caller-identity --query Account --output text)" = 000000000000
aws sts get-caller-identity --query UserId --output text | grep -qx 000000000000

refused() {
    if "$@" > out 2>&1; then exit 1; fi
    cat out
}
AWS_SECRET_ACCESS_KEY=wrong refused aws sts get-caller-identity | grep -q '(SignatureDoesNotMatch)'
AWS_ACCESS_KEY_ID=AKIAUNKNOWNUNKNOWN00 refused aws sts get-caller-identity | grep -q '(InvalidClientTokenId)'
AWS_SESSION_TOKEN=madeup refused aws sts get-caller-identity | grep -q '(InvalidClientTokenId)'
refused aws sts get-session-token | grep -q '(InvalidAction)'
