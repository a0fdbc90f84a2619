#!/usr/bin/perl

# A worker that leaves: it waits for its WebSockets, up to
# worker_shutdown_timeout, and then they are ended and logged.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

my $http = <<'EOF';
    uplink_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /echo { uplink_echo; }
        location /never { uplink_ping_interval 0; uplink_ping_timeout 0;
                          uplink_echo; }
    }
EOF

# ---- without a limit: as long as they live

$t->conf($http)->run;

my @clients = map { $t->ws($_) } ('/echo', '/never') x 5;
my @old = $t->reload(wait => 'new');

for my $client (@clients) {
    $client->send_text('still served');
    is(($client->recv // {})->{payload}, 'still served',
        'the old worker serves');
}

is_deeply([$t->leaving], \@old, 'both old workers stay');
ok($_->goodbye, 'they leave') for @clients;
ok($t->wait_for(sub { !$t->leaving }), 'then the workers leave');

$t->finish;

# ---- with a limit

$t = Uplink::Test->new;
$t->conf($http, main => 'worker_shutdown_timeout 300ms;')->run;

@clients = map { $t->ws($_) } ('/echo', '/never') x 5;

# one of them in the middle of a message, one that does not read

$clients[0]->send_raw(substr $clients[0]->frame(1, 'x' x 30000), 0, 20000);
$clients[1]->send_frame(1, 'x' x 60000) or last for 1 .. 20;

$t->reload(limit => 10);

ok($_->closed(5), 'cut') for @clients;

ok($t->wait_for(sub {
    my @lines = $t->access_log =~ m{^.*"GET /\w+ HTTP/1\.1" 101 \d+.*$}mg;
    return @lines == 10;
}), 'all of them are logged');

is($t->ws('/echo')->goodbye, 1, 'the new workers serve');

# ---- fast shutdown

my $last = $t->ws('/echo');

$t->finish(signal => 'TERM');

# ---- one process; with a zone, whose tick wakes it: a signal that comes just
# before nginx waits for events does not

$t = Uplink::Test->new;
$t->conf("    uplink_zone main 1m;\n$http", master => 0, workers => 1)->run;

my $ws = $t->ws('/echo');

$ws->send_text('master_process off');
is(($ws->recv // {})->{payload}, 'master_process off', 'one process');
ok($ws->goodbye, 'and the end');

$t->finish;

done_testing;
