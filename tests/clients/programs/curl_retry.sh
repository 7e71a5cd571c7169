#!/usr/bin/env bash
# The short way in bash: curl's own --retry, which heeds Retry-After, does the waiting.
set -eu

body=$(mktemp)
trap 'rm -f "$body"' EXIT

# Into a file: on a pipe the bodies of all attempts would follow each other.
api() {
  curl --silent --show-error --fail-with-body --retry 4 --retry-delay 5 --max-time 60 --output "$body" "$@" \
    -H "Authorization: Bearer $LUMA_AGENTS_API_KEY" -H 'Content-Type: application/json' || { cat "$body"; exit 1; }
}
told() { jq -r "$1 // empty" "$body"; }
poll() { api "$LUMA_BASE_URL/generations/$1"; }

case $LUMA_TASK in
  download) id=$LUMA_GENERATION_ID ;;
  *)
    api "$LUMA_BASE_URL/generations" -d "$(jq -n --arg prompt "$LUMA_PROMPT" '{$prompt}')"
    id=$(told .id)
    ;;
esac
if [ "$LUMA_TASK" = create ]; then
  echo "$id"
  exit
fi

while :; do
  poll "$id"
  case $(told .state) in
    completed) break ;;
    failed) told '.failure_code + ": " + .failure_reason'; exit 1 ;;
  esac
  sleep 3
done

until curl -sf -o "$LUMA_OUTPUT.part" "$(told '.output[0].url')"; do
  [ $((tries = ${tries:-0} + 1)) -lt 4 ] || { echo "no output"; exit 1; }
  sleep 2
  poll "$id"
done
mv "$LUMA_OUTPUT.part" "$LUMA_OUTPUT"
