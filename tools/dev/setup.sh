# Brings a Debian 12 to where everything builds and is tested: apt packages, and
# buf and other stock clients from npm. Costs some milliseconds when all is there.

BUF_VERSION=1.75.0
BUF_DIR=$ROOT/.cache/buf-$BUF_VERSION

# Node's packages for tests, as tests/clients/package.json pins them.
NODE_PACKAGES=$ROOT/tests/clients/package.json
NODE_DIR=$ROOT/.cache/node-$(sha256sum "$NODE_PACKAGES" | cut -c 1-12)

# packages_of GROUP…: the names in these groups of packages.txt.
packages_of() {
  local group='' line
  while read -r line; do
    case $line in
      '' | '#'*) ;;
      '['*) group=${line//[\[\]]/} ;;
      *) [[ " $* " == *" $group "* ]] && echo "$line" ;;
    esac
  done <"$ROOT/tools/dev/packages.txt"
  return 0
}

# missing_of PACKAGE…: those that dpkg does not have installed.
missing_of() {
  local name state
  declare -A installed=()
  while read -r name state; do
    [[ $state == installed ]] && installed[$name]=1
  done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
  for name in "$@"; do
    [[ -n ${installed[$name]:-} ]] || echo "$name"
  done
}

check_platform() {
  local id='' version=''
  if [[ -r /etc/os-release ]]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  [[ $id == debian && $version == 12 ]] && return 0
  ((ANYWAY)) && return 0
  die "this is ${id:-an unknown system} ${version}, not Debian 12, for which the packages are known; '--anyway' goes on regardless."
}

# apt_size PACKAGE…: "N packages, M MB to download".
apt_size() {
  apt-get --print-uris -qq -y --no-install-recommends install "$@" 2>/dev/null |
    awk '/^\x27/ {n++; bytes += $3}
         END {printf "%d packages, %.0f MB to download", n, bytes / 1e6}'
}

# apt_install PACKAGE…: none of them is installed yet.
apt_install() {
  local log=$ROOT/.cache/log/apt.log refused
  command -v apt-get >/dev/null ||
    die "apt-get is not here; these Debian packages are missing: $*."
  if ((EUID != 0)); then
    die "installing packages needs root; run: sudo $ROOT/dev setup"
  fi
  mkdir -p "$ROOT/.cache/log"
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C
  say "To install from apt: $*"
  phase_begin "Reading apt's package lists"
  # One source that cannot be reached is no reason to stop: the next step tells.
  quietly "$log" "apt-get update" \
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update || true
  phase_end
  if ! refused=$(apt-get -s --no-install-recommends install "$@" 2>&1); then
    refused=$(grep -E '^E:' <<<"$refused" | head -n 1)
    die "apt cannot install them: ${refused#E: }."
  fi
  phase_begin "Installing: $(apt_size "$@")"
  quietly "$log" "apt-get install" \
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@" ||
    die "apt-get could not install the packages; $log has all it said."
  phase_end
}

# What npm installs needs these, and they are not here. NodeSource's nodejs brings
# npm along and conflicts with Debian's npm, so the commands decide.
npm_packages() {
  command -v node >/dev/null && command -v npm >/dev/null || echo nodejs npm
}

have_buf() { [[ -x $BUF_DIR/buf ]]; }

# Leaves the bare binary at $BUF_DIR/buf: it starts without node.
install_buf() {
  local log=$ROOT/.cache/log/npm.log work=$BUF_DIR.new binary
  mkdir -p "$ROOT/.cache/log"
  rm -rf "$work"
  phase_begin "Installing @bufbuild/buf $BUF_VERSION from npm (35 MB to download)"
  mkdir -p "$work"
  quietly "$log" "npm install" npm install --prefix "$work" --no-audit --no-fund \
    --no-save --ignore-scripts "@bufbuild/buf@$BUF_VERSION" ||
    die "npm could not install @bufbuild/buf $BUF_VERSION; $log has all it said."
  binary=$(echo "$work"/node_modules/@bufbuild/buf-linux-*/bin/buf)
  [[ -x $binary ]] || die "@bufbuild/buf has no program for $(uname -m)."
  mkdir -p "$BUF_DIR"
  mv "$binary" "$BUF_DIR/buf"
  rm -rf "$work"
  phase_end
}

have_node_packages() { [[ -d $NODE_DIR/node_modules ]]; }

install_node_packages() {
  local log=$ROOT/.cache/log/npm-clients.log work=$NODE_DIR.new
  mkdir -p "$ROOT/.cache/log"
  rm -rf "$work"
  phase_begin "Installing the stock clients of tests/clients/package.json from npm"
  mkdir -p "$work"
  cp "$NODE_PACKAGES" "$work/"
  quietly "$log" "npm install" npm install --prefix "$work" --no-audit \
    --no-fund --no-package-lock --ignore-scripts ||
    die "npm could not install what $NODE_PACKAGES names; $log has all it said."
  rm -rf "$NODE_DIR"
  mv "$work" "$NODE_DIR"
  phase_end
}

# ensure GROUP…: build, lint, clients (groups of packages.txt; clients with
# node's packages) and buf.
ensure() {
  local -a missing=()
  check_platform
  if command -v dpkg-query >/dev/null; then
    mapfile -t missing < <(missing_of $(packages_of "$@"))
  elif ! ((ANYWAY)); then
    die "dpkg-query is not here, so what is installed cannot be told."
  fi
  local want_buf='' want_node=''
  if [[ " $* " == *" buf "* ]] && ! have_buf; then want_buf=1; fi
  if [[ " $* " == *" clients "* ]] && ! have_node_packages; then want_node=1; fi
  # The clients run on node, whatever is installed already.
  if [[ -n $want_buf || " $* " == *" clients "* ]]; then
    missing+=($(npm_packages))
  fi
  if ((${#missing[@]})); then apt_install "${missing[@]}"; fi
  if [[ -n $want_buf ]]; then install_buf; fi
  if [[ -n $want_node ]]; then install_node_packages; fi
}

verb_setup() {
  ensure build lint buf clients
  # After sudo, what was made belongs to the caller, who goes on without it.
  if [[ -n ${SUDO_UID:-} && -d $ROOT/.cache ]]; then
    chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$ROOT/.cache"
  fi
  say "Everything is installed ($(seconds_since 0))."
}
