# shellcheck shell=bash
# How the scripts of packaging/ talk. They source this file.

# Colours only on a terminal, and not where NO_COLOR asks for none.
bold='' dim='' red='' reset=''
if [[ -t 2 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' reset=$'\e[0m'
fi

# Says on stderr what is being done, with the seconds since the script began.
say() {
  printf '%s[%4d s]%s %s\n' "$dim" "$SECONDS" "$reset" "$*" >&2
}

# Ends the script: what failed, and what to do about it.
die() {
  printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$1" "$reset" >&2
  exit "${2:-1}"
}

# Runs a command with its output in a file; shows the file's end if the command fails.
# logged FILE COMMAND...
logged() {
  local file=$1
  shift
  mkdir -p "$(dirname "$file")"
  if ! "$@" >"$file" 2>&1; then
    tail -n 40 "$file" >&2
    die "failed: $* (the whole output is in $file)"
  fi
}
