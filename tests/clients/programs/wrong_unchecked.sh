#!/usr/bin/env bash
# Wrong: nobody looks at a status. An error is taken for a generation, a failed one is waited for, and whatever storage
# says is written as the image.
api() { curl -s -H "Authorization: Bearer $LUMA_AGENTS_API_KEY" -H 'Content-Type: application/json' "$@"; }

id=${LUMA_GENERATION_ID:-}
if [ "$LUMA_TASK" != download ]; then
  id=$(api "$LUMA_BASE_URL/generations" -d "$(jq -n --arg prompt "$LUMA_PROMPT" '{$prompt}')" | jq -r .id)
fi
[ "$LUMA_TASK" = create ] && echo "$id" && exit
until api "$LUMA_BASE_URL/generations/$id" >"$LUMA_OUTPUT.json" && [ "$(jq -r .state "$LUMA_OUTPUT.json")" = completed ]; do
  sleep 2
done
curl -s -o "$LUMA_OUTPUT" "$(jq -r '.output[0].url' "$LUMA_OUTPUT.json")"
rm -f "$LUMA_OUTPUT.json"
