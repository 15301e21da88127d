#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The core is pure: apart from each other its objects import nothing but
# memory functions, the assert handler and what the compiler itself adds.
# usage: core_symbols.sh libcore.a
set -eu

lib=$1
allowed='mem(cpy|move|set|cmp|chr)|__mem(cpy|move|set)_chk'
allowed="$allowed|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"

imported=$(nm -u "$lib" | awk 'NF == 2 { print $2 }' | sort -u)
if printf '%s\n' "$imported" | grep -Eq '^__(asan|ubsan|sanitizer)_'; then
	echo "sanitizer build: the sanitizer's own symbols hide the answer"
	exit 77
fi
defined=$(nm --defined-only -g "$lib" | awk 'NF == 3 { print $3 }' | sort -u)
test -n "$defined"

bad=0
for symbol in $imported; do
	printf '%s\n' "$defined" | grep -qx "$symbol" && continue
	printf '%s\n' "$symbol" | grep -Eqx "$allowed" && continue
	echo "the core imports $symbol"
	bad=1
done

# No global that can change: all state is in struct election.  Constant
# tables of pointers are in .data.rel.ro.
if nm -f sysv "$lib" | awk -F'|' '$NF ~ /^\.(data|bss|tdata|tbss)$/ ||
    $3 ~ /C/ && $7 ~ /COM/ { print "writable: " $1; n++ } END { exit n == 0 }'
then
	bad=1
fi
exit $bad
