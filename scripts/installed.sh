# What scripts/install and scripts/uninstall share; sourced, not run.

# Files that are installed, below the prefix; the last one lists the folders that were made for them.
INSTALLED_FILES="bin/pmuctl
share/man/man1/pmuctl.1
share/bash-completion/completions/pmuctl
share/zsh/site-functions/_pmuctl
share/fish/vendor_completions.d/pmuctl.fish
share/doc/pmuctl/LICENSE
share/doc/pmuctl/THIRD-PARTY.md
share/doc/pmuctl/installed"

# refuse_usage SCRIPT REASON: ends for a command line that is not understood.
refuse_usage() {
  say "$1: $2: see scripts/$1 --help"
  exit 2
}

# parse_prefix SCRIPT ARG...: sets $prefix by --prefix DIR, $target to where that is below DESTDIR, and the options of
# scripts/install: $program (--program FILE) and $link (--link).
parse_prefix() {
  script=$1 prefix=/usr/local program='' link=''
  shift
  while [ $# -gt 0 ]; do
    case $script:$1 in
      *:--prefix | install:--program)
        [ $# -ge 2 ] || refuse_usage "$script" "$1 needs a value"
        option=${1#--}
        eval "$option=\$2"
        shift
        ;;
      *:--prefix=*) prefix=${1#*=} ;;
      install:--program=*) program=${1#*=} ;;
      install:--link) link=1 ;;
      *) refuse_usage "$script" "unknown argument '$1'" ;;
    esac
    shift
  done
  case $prefix in /*) ;; *) refuse_usage "$script" "--prefix '$prefix': expected an absolute path" ;; esac
  case ${DESTDIR-} in '' | /*) ;; *) refuse_usage "$script" "DESTDIR '$DESTDIR': expected an absolute path" ;; esac
  while [ "$prefix" != "${prefix%/}" ]; do prefix=${prefix%/}; done
  target=${DESTDIR-}$prefix
}
