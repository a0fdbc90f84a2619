#!/usr/bin/perl

# uplink_status: what it says, and with which HTTP status.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

my $http = <<'EOF_CONF';
    uplink_zone main 1m;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /status { uplink_status main; }
        location = /two    { uplink_status main format=json min_sleds=1; }
        location = /closed {
            uplink_status main;
            uplink_auth required;
            uplink_identity $arg_who;
        }
    }
EOF_CONF

$t->conf($http)->run;

my $r = $t->http(GET => '/status');
is($r->status, 200, 'status');
is($r->header('content-type'), 'application/json', 'JSON');

my $s = $r->json;
is($s->{status}, 'ok', 'all is well');
like($s->{version}, qr/^\d+\.\d+\.\d+$/, 'version');
like($s->{uptime}, qr/^\d+$/, 'uptime in milliseconds');

is_deeply([sort map { $_->{pid} } @{$s->{workers}}], [sort $t->workers],
    'the workers are those that run');
is_deeply([sort map { $_->{port} } @{$s->{workers}}], [0, 1],
    'each with a port of its own');
is_deeply([map { $_->{connections} } @{$s->{workers}}], [0, 0],
    'and nobody in them');

is_deeply($s->{sleds}, { agents => 0, connections => 0, paused => 0 },
    'sleds');
is_deeply($s->{operators}, { sessions => 0, connected => 0 }, 'operators');
is_deeply($s->{terminals}, { sessions => 0, browsers => 0 }, 'terminals');
is_deeply($s->{requests}, { pending => 0, ended => 0 }, 'requests');
is($s->{zone}{size}, 1024 * 1024, 'size of the zone');
cmp_ok($s->{zone}{used}, '>', 0, 'some of it used');
cmp_ok($s->{zone}{used}, '<', $s->{zone}{size}, 'not all of it');
is($s->{zone}{entries}, 0, 'no entries');
cmp_ok(scalar keys %{$s->{counters}}, '>', 20, 'counters');
is_deeply([grep { $_ !~ /^\d+$/ } values %{$s->{counters}}], [],
    'are numbers');

my $head = $t->http(HEAD => '/status');
is($head->status, 200, 'HEAD');
cmp_ok($head->header('content-length'), '>', 500, 'of what GET would say');
is($head->body, '', 'without a body');

$r = $t->http(POST => '/status', body => 'x');
is($r->status, 405, 'POST');
is($r->header('allow'), 'GET, HEAD', 'Allow');
is($r->json->{error}{code}, 'method_not_allowed', 'as JSON');

$r = $t->http(GET => '/two');
is($r->status, 503, 'fewer sleds than min_sleds');
is($r->json->{status}, 'degraded', 'degraded');

is($t->http(GET => '/closed')->status, 401, 'closed where it is told to be');
is($t->http(GET => '/closed?who=me')->status, 200, 'and open with a name');

# a worker dies: its successor is counted, not it

my ($first) = $t->workers;
$t->kill9($first);

ok($t->wait_for(sub {
    my $now = $t->http(GET => '/status')->json;
    return join(' ', sort map { $_->{pid} } @{$now->{workers}})
        eq join ' ', sort $t->workers;
}), 'a killed worker makes room for its successor');

# what cannot be configured

for ([ 'uplink_status main min_sleds=x;',
       'invalid parameter "min_sleds=x"' ],
     [ 'uplink_status main format=xml;',
       'invalid parameter "format=xml"' ],
     [ 'uplink_status main; uplink_status main;',
       '"uplink_status" directive is duplicate' ])
{
    my ($line, $want) = @$_;
    my ($code, $message) = $t->check("uplink_zone main 1m;\n"
        . "server { location / { $line } }\n");

    isnt($code, 0, "refused: $line");
    like($message, qr/^\Q$want\E in http:2$/, 'and says why');
}

$t->finish;

done_testing;
