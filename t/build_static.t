#!/usr/bin/perl

# nginx with the module inside: --add-module, and without --with-compat.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Matrix;

my $objs = Uplink::Matrix::build('static', cc => 'gcc', cc_opt => '-O0',
    configure => ['--with-debug', '--with-http_ssl_module',
        "--add-module=$Uplink::Test::root"],
    make => ['-j2', 'binary']);

ok($objs, 'it builds') or exit done_testing;

my $version = `$objs/nginx -V 2>&1`;
like($version, qr/--add-module=/, 'it is ours');

Uplink::Matrix::smoke('static', nginx => "$objs/nginx", module => '');

done_testing;
