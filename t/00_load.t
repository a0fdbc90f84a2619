#!/usr/bin/perl

# The module loads, and nginx with it starts, reloads and stops.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

my $http = <<'EOF';
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location = /hello { return 200 "hello\n"; }
    }
EOF

my ($code, $message, $output) = $t->check($http);
is($code, 0, 'nginx -t') or diag $output;

($code, $message) = $t->check("\n    no_such_directive;\n");
is($code, 1, 'nginx -t refuses');
is($message, 'unknown directive "no_such_directive" in http:2',
    'and says what and where');

$t->conf($http)->run;

my @workers = $t->workers;
is(scalar @workers, 2, 'two workers');
is($t->http(GET => '/hello')->body, "hello\n", 'it serves');

is_deeply([$t->reload], \@workers, 'reload replaces the workers');
is($t->http(GET => '/hello')->body, "hello\n", 'it serves');

my ($first) = $t->workers;
isnt($t->kill9($first), $first, 'a killed worker is replaced');
is($t->http(GET => '/hello')->body, "hello\n", 'it serves');

like($t->reload_fails(conf => 'no_such_directive;'),
    qr/unknown directive "no_such_directive"/, 'a bad reload is refused');
is($t->http(GET => '/hello')->body, "hello\n", 'it serves');

$t->finish;

done_testing;
