# Fills the variables of the environment, and no others, into the templates; then it is nginx.
set -eu
names=$(env | sed 's/=.*//; s/.*/${&}/')
for template in /etc/nginx/templates/*.template; do
    envsubst "$names" <"$template" >"/etc/nginx/conf.d/$(basename "$template" .template)"
done
exec nginx
