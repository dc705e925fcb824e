#!/bin/sh
# Runs the programs with Braintree's official SDKs against a simulator of their own. The SDKs come from their registries into .data/sdk.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
work=$root/.data/sdk
java=3.48.0 python=4.48.0

missing=
for tool in node npm python3 java mvn; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
	echo "these are needed and not here:$missing (apt-get install nodejs npm python3-venv default-jdk-headless maven)" >&2
	exit 1
fi

mkdir -p "$work/node" "$work/java"
cp "$here/node/package.json" "$here/node/sdk.test.js" "$work/node/"
(cd "$work/node" && npm install --no-audit --no-fund --silent)
[ -x "$work/python/bin/python" ] || python3 -m venv "$work/python"
"$work/python/bin/pip" install --quiet --disable-pip-version-check "braintree==$python"
[ -f "$work/java/braintree-java-$java.jar" ] ||
	mvn --quiet dependency:copy -Dartifact="com.braintreepayments.gateway:braintree-java:$java" -DoutputDirectory="$work/java"

(cd "$root/tools" && GOWORK=off go build -o "$work/simulator" ./simulators/braintree)
rm -rf "$work/data"
"$work/simulator" --listen 127.0.0.1:0 --data "$work/data" --duplicate-window 0 --log-level warn >"$work/address" &
simulator=$!
trap 'kill "$simulator"' EXIT
until [ -s "$work/address" ]; do
	kill -0 "$simulator" # it ended: no address will come
	sleep 0.1
done
SIMULATOR=$(head -n 1 "$work/address")
export SIMULATOR
GATEWAY_HOST=127.0.0.1 GATEWAY_PORT=${SIMULATOR##*:}
export GATEWAY_HOST GATEWAY_PORT

echo "node"
(cd "$work/node" && node --test)
echo "python"
"$work/python/bin/python" "$here/python/sdk_test.py"
echo "java"
java -Djava.util.logging.config.file="$here/java/logging.properties" -cp "$work/java/*" "$here/java/Sdk.java"
