#!/usr/bin/perl

# What stands in src/console/dist is what the sources there give, byte for
# byte, and not too much; and the sources have no other way to the page than
# by elements and text.
#
# not with sanitizers: nginx is not started

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp qw(tempdir);
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use Uplink::Test;

my $source = "$Uplink::Test::root/src/console";
my @names = qw(index.html console.js console.css);

sub slurp {
    my ($path) = @_;

    open my $file, '<:raw', $path or return "no $path";
    local $/;

    return scalar(<$file>) // '';
}

# ---- what must not stand in the sources

my @sources = grep { !m{/dist/|/node_modules/} }
    glob "$source/*.js $source/*.mjs $source/*.html $source/*.css";

cmp_ok(scalar @sources, '>', 10, 'sources');

my %never = (
    'HTML made of text' => qr/\b(?:inner|outer)HTML\b|insertAdjacentHTML
        |document\.write|createContextualFragment|DOMParser|srcdoc/x,
    'code made of text' => qr/\beval\s*\(|new\s+Function\b
        |setTimeout\(\s*['"`]/x,
    'a style attribute' => qr/setAttribute\(\s*['"]style|\bcssText\b|\sstyle="/,
    'a listener in HTML' => qr/\son\w+="/,
    'another host' => qr{(?:https?|wss?)://(?!www\.w3\.org/2000/svg)[a-z]},
);

for my $path (@sources) {
    my ($name) = $path =~ m{([^/]+)$};
    my $text = slurp($path);

    for my $what (sort keys %never) {
        next if $name eq 'build.mjs' && $what eq 'a style attribute';

        my ($found) = $text =~ /^(.*$never{$what}.*)$/m;
        is($found, undef, "$name: no $what");
    }
}

unlike(slurp("$source/package-lock.json"), qr/"resolved"/,
    'no registry in the lock file');

# ---- the compressed ones, and sizes

my ($size, $gzip) = (0, 0);

for my $name (@names) {
    my $plain = slurp("$source/dist/$name");
    my $packed = slurp("$source/dist/$name.gz");

    gunzip(\$packed, \my $out);
    is($out, $plain, "$name.gz is $name");

    $size += length $plain;
    $gzip += length $packed;
}

cmp_ok($size, '<=', 350 * 1024, "$size bytes in all");
cmp_ok($gzip, '<=', 110 * 1024, "$gzip compressed");

# ---- what the sources give

SKIP: {
    my $build = $ENV{BUILD} // "$Uplink::Test::root/build";
    my $cache = "$build/npm-cache";
    my $dir = tempdir('bundle-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);

    skip 'needs node and npm', 4
        if system('node --version > /dev/null 2>&1'
            . ' && npm --version > /dev/null 2>&1');

    system("cp -r $source/. $dir && rm -rf $dir/dist $dir/node_modules") == 0
        or die 'cp';

    skip 'npm cannot install what the console is built with', 4
        if system("cd $dir && npm ci --silent --prefer-offline --cache=$cache"
            . ' > log 2>&1 < /dev/null');

    is(system("cd $dir && npm run --silent build > log 2>&1"), 0,
        'npm run build') or diag slurp("$dir/log");

    for my $name (@names, 'bundle.h') {
        ok(slurp("$dir/dist/$name") eq slurp("$source/dist/$name"),
            "$name is what the sources give");
    }
}

done_testing;
