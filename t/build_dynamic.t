#!/usr/bin/perl

# The classical way to build a module to load: nginx's own configure with
# --with-compat --add-dynamic-module, then make modules; by gcc and by clang.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Matrix;

for my $cc (qw(gcc clang)) {
    my $objs = Uplink::Matrix::build("dynamic-$cc", cc => $cc,
        configure => ['--with-compat',
            "--add-dynamic-module=$Uplink::Test::root"],
        make => ['modules']);

    ok($objs, "$cc builds it") or next;

    Uplink::Matrix::smoke($cc, module => "$objs/ngx_uplink_module.so");
}

done_testing;
