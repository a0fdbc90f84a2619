#!/usr/bin/perl

# Runs every t/fuzz/*_fuzz.c for a while under libFuzzer, AddressSanitizer
# and UBSan.  FUZZ_SECONDS is how long each (10); for a long run by hand:
#
#     FUZZ_SECONDS=3600 FUZZ_CORPUS=/some/dir prove -v t/fuzz.t
#
# keeps what it found worth keeping in that directory.  A target says what it
# needs, as the files of t/unit do:
#
#     /* sources: src/wire/scan.c src/wire/text.c */
#     /* sources: src/wire/names.c */
#     /* libs: -ljansson */
#     /* options: -max_len=4096 -dict=t/fuzz/json.dict t/fuzz/seeds */

use warnings;
use strict;

use File::Basename qw/ basename dirname /;
use File::Path qw/ make_path /;
use File::Temp qw/ tempdir /;
use Test::More;

chdir dirname(__FILE__) . '/..' or die "chdir: $!";

my $seconds = $ENV{FUZZ_SECONDS} || 10;
my $dir = tempdir(CLEANUP => 1);

my @flags = qw{ -g -O1 -W -Wall -Wextra -Werror -Wpointer-arith
    -Wno-unused-parameter -fno-omit-frame-pointer
    -fsanitize=fuzzer -fsanitize=address -fsanitize=undefined
    -fno-sanitize-recover=undefined
    -It/unit/nginx -It/unit -Isrc };

plan skip_all => 'no clang here' if system('clang --version >/dev/null 2>&1');

my @files = sort glob 't/fuzz/*_fuzz.c';

plan tests => scalar @files;

for my $file (@files) {
    my $name = basename($file, '.c');

    subtest $name => sub {
        my ($sources, $libs, $options)
            = map { header($file, $_) } qw/ sources libs options /;

        my $out = `clang @flags -o $dir/$name $file $sources $libs 2>&1`;

        is($?, 0, 'compiles') or return diag($out);

        my $corpus = ($ENV{FUZZ_CORPUS} || $dir) . "/$name-corpus";

        make_path($corpus);

        # libFuzzer adds to the first directory and reads the others

        my $log = `$dir/$name -max_total_time=$seconds -timeout=10 \\
                   -rss_limit_mb=1024 -artifact_prefix=$dir/ \\
                   $corpus $options 2>&1`;

        is($?, 0, "nothing found in $seconds seconds")
            or diag(substr($log, -8000));

        like($log, qr/^Done \d+ runs/m, 'ran to its end');

        note($1) if $log =~ /^(Done .*)/m;
    };
}


sub header {
    my ($file, $what) = @_;

    open my $fh, '<', $file or die "$file: $!";

    my @found = map { m{^/\* $what: (.*?) \*/$} ? $1 : () } <$fh>;

    return "@found";
}
