#!/usr/bin/perl

# Compiles and runs every t/unit/*.c: code that needs no nginx, tested alone
# under AddressSanitizer and UBSan.  A file says what else it links:
#
#     /* sources: src/wire/scan.c src/wire/text.c */
#     /* sources: src/wire/names.c */
#     /* libs: -ljansson */
#     /* again: -U__SSE2__ */
#
# It prints TAP and is run from the root of the tree.

use warnings;
use strict;

use File::Basename qw/ basename dirname /;
use File::Temp qw/ tempdir /;
use Test::More;

chdir dirname(__FILE__) . '/..' or die "chdir: $!";

my $cc = $ENV{CC} || 'gcc';
my $dir = tempdir(CLEANUP => 1);

my @flags = qw{ -g -O1 -W -Wall -Wextra -Werror -Wpointer-arith
    -Wno-unused-parameter -fno-omit-frame-pointer
    -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined
    -It/unit/nginx -It/unit -Isrc };

# every file once, and once more for each flag that it wants to be built with

my @runs;

for my $file (sort glob 't/unit/*.c') {
    push @runs, map { [ $file, $_ ] } '', split ' ', header($file, 'again');
}

plan tests => scalar @runs;

for (@runs) {
    my ($file, $flag) = @$_;

    subtest basename($file, '.c') . " $flag" => sub { run($file, $flag) };
}


sub run {
    my ($file, $flag) = @_;

    my ($sources, $libs) = map { header($file, $_) } qw/ sources libs /;

    my $out = `$cc @flags $flag -o $dir/test $file $sources $libs 2>&1`;

    is($?, 0, 'compiles') or return diag($out);

    my @lines = `$dir/test 2>&1`;
    my $status = $?;
    my ($run, $planned) = (0, -1);

    for (@lines) {
        if (/^(not )?ok \d+ - (.*)/) {
            ok(!$1, $2);
            $run++;

        } elsif (/^1\.\.(\d+)$/) {
            $planned = $1;

        } else {
            note(s{^# }{}r);
        }
    }

    is($run, $planned, 'ran all it planned');
    is($status, 0, 'exit status') or diag(grep { !/^ok/ } @lines);
}


sub header {
    my ($file, $what) = @_;

    open my $fh, '<', $file or die "$file: $!";

    my @found = map { m{^/\* $what: (.*?) \*/$} ? $1 : () } <$fh>;

    return "@found";
}
