#!/usr/bin/env bash
# Builds the C library and installs it with its header and a file for pkg-config, on Linux:
#
#   scripts/install_c.sh PREFIX [PROFILE]
#
# PREFIX is a folder such as /usr/local, PROFILE is `release` by default.
set -euo pipefail
prefix=$(mkdir -p "$1" && cd "$1" && pwd)
profile=${2:-release}
cd "$(dirname "$0")/.."

cargo build --quiet --profile "$profile" --locked -p heirloom-capi -p heirloom-cli
built=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
install -m 644 crates/capi/include/heirloom.h "$prefix/include/"
install -m 644 "$built/libheirloom.a" "$prefix/lib/"
install -m 755 "$built/libheirloom.so" "$prefix/lib/libheirloom.so.$version"
ln -sf "libheirloom.so.$version" "$prefix/lib/libheirloom.so.${version%.*}"
ln -sf "libheirloom.so.${version%.*}" "$prefix/lib/libheirloom.so"
cat >"$prefix/lib/pkgconfig/heirloom.pc" <<END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: heirloom
Description: A learned image codec that keeps learning
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -lheirloom
Libs.private: -lgcc_s -lpthread -lm -ldl
END
echo "installed in $prefix"
