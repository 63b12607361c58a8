# What the scripts of this folder share; sourced, not run. The caller has set $root, this checkout.
# POSIX sh. What runs on every launch (is_set_up) uses shell builtins only: a launch must not cost processes.

# The Deno fetched when there is none on PATH, and the oldest one of PATH that will do.
DENO_PINNED=2.9.6
DENO_OLDEST_MINOR=9

# How V8 compiles: without the slower of its two optimizing compilers, which takes more time than its code saves within the
# seconds that a command runs. Of the CPU that reports and recordings take it was a fifth.
V8_FLAGS=--maglev,--no-turbofan

# Packages lie in the checkout, where whoever may run it can read them, rather than in the folder of the user who
# set it up.
case ${DENO_DIR-} in
  /*) ;;
  *) case $root in /*) DENO_DIR=$root/.deno/cache ;; *) DENO_DIR=$PWD/$root/.deno/cache ;; esac ;;
esac
export DENO_DIR

# Both for scripts that make files: whoever may read the checkout may read them, and nothing is run from the folder that
# the script was called in, which a relative or an empty entry of PATH would mean.
#
# absolute_path: takes those out of PATH, and the folders with these scripts, whose `deno` would wait for set-up itself.
absolute_path() {
  rest=$PATH: PATH=
  while [ -n "$rest" ]; do
    entry=${rest%%:*}
    rest=${rest#*:}
    case $entry in /*) [ -e "$entry/no-jsr/import_map.json" ] || PATH=${PATH:+$PATH:}$entry ;; esac
  done
  PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
}

# make_files: to be called first.
make_files() {
  umask 022
  absolute_path
  unset COMPLETE NODE_OPTIONS # with which Deno does something else
  # Deno and npm read ~/.npmrc, and end, or wait for ever, where that is no file.
  if [ ! -d "${HOME-}" ] || { [ -e "$HOME/.npmrc" ] && [ ! -f "$HOME/.npmrc" ]; }; then export HOME="$root/.deno"; fi
}

# say LINE: a line about set-up; stderr, since stdout is the program's result.
say() {
  printf 'pmuctl: %s\n' "$*" >&2
}

# shows_help ARG...: when the first argument asks for help, prints the comment at the top of the script and ends.
shows_help() {
  case ${1-} in -h | --help) ;; *) return 0 ;; esac
  while IFS= read -r line; do
    case $line in
      '#!'*) ;;
      '#') echo ;;
      '# '*) printf '%s\n' "${line#??}" ;;
      *) exit 0 ;;
    esac
  done <"$0"
  exit 0
}

# is_set_up: true when nothing is left to do but what program_is_current tells. Sets $deno (path), $arch and
# $import_map (empty: deno.json's own imports). The state file is written last, so it is newer than all that it
# stands for.
is_set_up() {
  [ -f "$root/.deno/state" ] || return 1
  . "$root/.deno/state"
  [ -x "$deno" ] && [ "$root/.deno/state" -nt "$root/deno.json" ] &&
    [ "$root/.deno/state" -nt "$root/scripts/no-jsr/import_map.json" ] &&
    [ "$root/.deno/state" -nt "$root/deno.lock" ] && [ "$root/.deno/state" -nt "$root/scripts/common.sh" ] &&
    shim_is_current "$arch" && page_is_current
}

# shim_is_current ARCH: true when the shim is newer than all that it is built from.
shim_is_current() {
  for source in "$root"/ffi/shim/*.[ch] "$root"/ffi/shim/*/*.[ch] "$root/ffi/shim/pmu.map" "$root/scripts/build-shim"; do
    [ "$root/build/shim/libpmu-$1.so" -nt "$source" ] || return 1
  done
}

# page_is_current: true when the HTML report's page program is newer than all that it is built from.
page_is_current() {
  [ -e "$root/build/page.js" ] || return 1
  # the folders that it imports from: which of their files changes more often than they do
  for source in "$root"/lib/report/page/*.ts "$root"/lib/report/page/*/*.ts "$root"/lib/report/html/*.ts "$root"/lib/report/flame/*.[jt]s \
    "$root"/lib/report/shared/*.ts "$root"/lib/profile/model/*.ts "$root"/lib/profile/query/*.ts \
    "$root"/lib/base/bytes/*.ts "$root"/lib/base/text/*.ts "$root/deno.json" "$root/scripts/build-page"; do
    [ "$root/build/page.js" -nt "$source" ] || [ ! -e "$source" ] || return 1
  done
}

# program_is_current: true when the program in build/program/ is newer than all that it is put together from. Only who
# runs it asks: who has just changed a source may want to check it first.
program_is_current() {
  [ -e "$root/build/program/main.js" ] || return 1
  for source in "$root"/main.ts "$root"/lib/*/*.ts "$root"/lib/*/*/*.[jt]s "$root"/lib/*/*/*/*.[jt]s "$root"/ffi/*.ts "$root"/scripts/no-jsr/* \
    "$root"/lib/cli/completions/pmuctl.* \
    "$root/deno.json" "$root/deno.lock" "$root/scripts/build-program"; do
    [ "$root/build/program/main.js" -nt "$source" ] || [ ! -e "$source" ] || return 1
  done
}

# binary_is_current ARCH: true when the compiled binary is newer than all that scripts/compile makes it of.
binary_is_current() {
  program_is_current && page_is_current && shim_is_current "$1" || return 1
  for source in "$root/build/program/main.js" "$root/build/page.js" "$root/build/shim/libpmu-$1.so" \
    "$root/lib/report/page/page.css" "$root/scripts/compile" "$root/scripts/put-start.ts"; do
    [ "$root/build/pmuctl-$1" -nt "$source" ] || return 1
  done
}

# host_arch: this machine's architecture as the kernel, the shim and Deno.build.arch spell it.
host_arch() {
  case $(uname -m) in
    x86_64 | amd64) echo x86_64 ;;
    aarch64 | arm64) echo aarch64 ;;
    *)
      say "$(uname -m) is not supported: pmuctl runs on x86_64 and aarch64 Linux"
      return 3
      ;;
  esac
}

# fetch_deno VERSION ARCH: puts that Deno into .deno/VERSION/deno and prints its path. It is taken from npm's
# platform package itself: the package `deno` finds its binary in a postinstall script, and npm may be set
# not to run those. One mv makes it appear whole or not at all.
fetch_deno() {
  fetched=$root/.deno/$1/deno
  if [ ! -x "$fetched" ]; then
    case $2 in
      x86_64) package=@deno/linux-x64-glibc ;;
      aarch64) package=@deno/linux-arm64-glibc ;;
    esac
    command -v npm >/dev/null || {
      say "no Deno 2.$DENO_OLDEST_MINOR or newer on PATH, and no npm to get one with: apt-get install npm"
      return 3
    }
    say "getting Deno $1 from npm into .deno/"
    partial=$root/.deno/partial.$$
    mkdir -p "$partial"
    npm install --prefix "$partial" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
      --no-update-notifier --loglevel=error "$package@$1" >/dev/null || {
      rm -rf "$partial"
      say "npm could not install $package@$1: mend what its message above says, or put a Deno 2.$DENO_OLDEST_MINOR or newer on PATH"
      return 3
    }
    pinned=$(sed -n "s/ $1 $2\$//p" "$root/scripts/deno-hashes.txt")
    found=$(sha256sum "$partial/node_modules/$package/deno")
    [ "${found%% *}" = "$pinned" ] || {
      rm -rf "$partial"
      say "$package@$1 from npm is not the file that scripts/deno-hashes.txt names: see who changed it"
      return 3
    }
    mkdir -p "$root/.deno/$1"
    mv "$partial/node_modules/$package/deno" "$fetched"
    rm -rf "$partial"
  fi
  printf '%s\n' "$fetched"
}

# with_imports COMMAND [ARG...]: runs Deno's COMMAND with this checkout's configuration and import map. The packages of
# npm have to be those of deno.lock, by their hashes; JSR's, which it lacks, are added to a copy.
with_imports() {
  subcommand=$1
  shift
  if [ -n "$import_map" ]; then
    "$deno" "$subcommand" --config "$root/deno.json" --import-map="$import_map" "$@"
  else
    [ -f "$root/.deno/jsr.lock" ] || cp "$root/deno.lock" "$root/.deno/jsr.lock"
    "$deno" "$subcommand" --config "$root/deno.json" --lock="$root/.deno/jsr.lock" --frozen=false "$@"
  fi
}
