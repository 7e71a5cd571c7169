#!/usr/bin/env bash
# A client of the Luma Agents API in bash, curl and jq, to be judged by `luma-conformance client -- bash curl.sh`.
#
# The kit runs this program once per scenario, and says in the environment what to do: LUMA_TASK is `create`, `generate`
# or `download`. It exits with 0, or with another status once the API's `detail` or the `failure_code` is printed.
# Put your own client in its place.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}

# api METHOD PATH [BODY]: print what the API answers. What may pass is waited out: a 429 for as long as Retry-After says,
# a 502 or 503 for five seconds and more.
api() {
  local method=$1 path=$2 status wait attempt
  # The key goes to curl on its standard input: the arguments of a process are there for all to see.
  for attempt in 1 2 3 4 5; do
    status=$(curl --silent --show-error --max-time 60 --config - --request "$method" \
      --header 'Content-Type: application/json' ${3:+--data "$3"} \
      --dump-header "$work/headers" --output "$work/body" --write-out '%{http_code}' \
      "$LUMA_BASE_URL$path" <<<"header = \"Authorization: Bearer $LUMA_AGENTS_API_KEY\"") || status=lost
    case $status in
      200 | 201) cat "$work/body" && return ;;
      429 | 502 | 503) ;;
      # A lost POST may have made a generation, which costs money: only a GET is sent again.
      lost) [ "$method" = GET ] || fail "no answer to $method $path; the generation may have been made" ;;
      *) break ;;
    esac
    [ "$attempt" = 5 ] && break
    wait=$(tr -d '\r' <"$work/headers" | sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9][0-9]*\)$/\1/p')
    if [ "$status" = lost ] || [ "${wait:-0}" -lt 1 ]; then wait=$((attempt * 5)); fi
    sleep "$wait"
  done
  fail "$status: $(cat "$work/body" 2>/dev/null)"
}

create() {
  api POST /generations "$(jq --null-input --arg prompt "$LUMA_PROMPT" '{$prompt}')"
}

# finish ID: poll every two seconds until the generation is over, and print it as it is then.
finish() {
  local generation
  while true; do
    generation=$(api GET "/generations/$1") || exit
    case $(jq --raw-output .state <<<"$generation") in completed | failed) break ;; esac
    sleep 2
  done
  printf '%s\n' "$generation"
}

# save GENERATION: write its first output. The URL has expired if it is refused; each poll brings a fresh one.
save() {
  local generation=$1
  if [ "$(jq --raw-output .state <<<"$generation")" = failed ]; then
    fail "$(jq --raw-output '"\(.failure_code): \(.failure_reason)"' <<<"$generation")"
  fi
  for attempt in 1 2 3; do
    # Storage is another host and gets no key. A download that is cut short makes curl fail.
    if curl --silent --fail --max-time 120 --output "$work/output" "$(jq --raw-output '.output[0].url' <<<"$generation")"; then
      mv "$work/output" "$LUMA_OUTPUT"
      return
    fi
    [ "$attempt" = 1 ] || sleep 2
    generation=$(api GET "/generations/$(jq --raw-output .id <<<"$generation")") || exit
  done
  fail "the output could not be downloaded"
}

generate() {
  local generation code pause
  for pause in 2 4 ''; do
    generation=$(create) || exit
    sleep 2
    generation=$(finish "$(jq --raw-output .id <<<"$generation")") || exit
    code=$(jq --raw-output '.failure_code // ""' <<<"$generation")
    case $code in
      '') break ;;
      # These may pass; all others need another prompt, other media, or money.
      generation_failed | output_not_found | rate_limited) [ -z "$pause" ] || sleep "$pause" ;;
      *) break ;;
    esac
  done
  printf '%s\n' "$generation"
}

case $LUMA_TASK in
  create) create | jq --raw-output .id ;;
  generate) generation=$(generate) && save "$generation" ;;
  download) generation=$(finish "$LUMA_GENERATION_ID") && save "$generation" ;;
esac
