# SOPS encrypts the values of a YAML file under the key's ARN, and gets them back.
set -euo pipefail
arn=$(aws kms create-key --query KeyMetadata.Arn --output text)
printf 'database:\n    user: app\n    password: correct horse\n' > plain.yaml
sops --encrypt --kms "$arn" plain.yaml > sealed.yaml
grep -q "$arn" sealed.yaml
if grep -q "correct horse" sealed.yaml; then exit 1; fi
sops --decrypt sealed.yaml > opened.yaml
cmp plain.yaml opened.yaml
