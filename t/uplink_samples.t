#!/usr/bin/perl

# Frames of programs that exist, byte for byte: they must work unchanged.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->conf(<<'EOC');
    uplink_zone main 1m;
    uplink_auth off;
    uplink_resume_window 200ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location = /sled { uplink_sled main; }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

# the sled that never registers

my $ws = $t->ws('/sled');

$ws->send_text('{"type":"perm_request","req_id":"req-test-1","payload":'
    . '{"tool_name":"Bash","tool_input":{"command":"echo hello"}}}');

my ($open) = open_requests($t, 1);

like($open->{sled}, qr/^anon-[0-9a-f]{12}$/, 'it has a name made up');
is_deeply($open->{tool_input}, { command => 'echo hello' }, 'what it asks');

is(decide($t, $open->{req_id})->status, 200, 'decided');

my $m = $ws->recv_json;

is_deeply([sort keys %$m], [qw(payload req_id type)], 'all three members');
is($m->{type}, 'perm_response', 'the first thing it gets');
is($m->{req_id}, 'req-test-1', 'its req_id');
is($m->{payload}{approved}, JSON::PP::true, 'approved');
is($m->{payload}{always_allow}, JSON::PP::false, 'always_allow is there');
ok($ws->quiet, 'and nothing else');

# the newer one, which says who it is and sends heartbeats

$ws = $t->ws('/sled');

$ws->send_text("{\"type\":\"identity\",\"req_id\":\"\",\"payload\":"
    . "{\"project\":\"alpha\",\"token\":\"\xe2\x80\xa6\"}}");
ok($ws->await('registered')->{payload}{success}, 'identity');

$ws->send_text('{"type":"heartbeat","req_id":"","payload":{}}');
is_deeply($ws->recv_json,
    { type => 'heartbeat_ack', req_id => '', payload => {} }, 'heartbeat');

$ws->send_text('{"type":"mcp_response","req_id":"m1","payload":'
    . '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}}');
ok($ws->quiet, 'an mcp_response nobody waits for');

$ws->send_text('{"type":"perm_request","req_id":"req-test-1","payload":'
    . '{"tool_name":"Bash","tool_input":{"command":"echo hello"}}}');
($open) = open_requests($t, 1);
is($open->{sled}, 'alpha', 'its project is its name');
ok($ws->goodbye, 'goodbye');
open_requests($t, 0);

# the registering agent

$ws = $t->ws('/sled');

$ws->send_text('{"type":"register","req_id":"r1","payload":'
    . '{"protocol_version":2,"agent_id":"test-agent","capabilities":'
    . '{"agent_id":"test-agent","name":"Test Agent","version":"1.0.0",'
    . '"supported_events":[1,2],"features":{},"limits":{}},'
    . '"auth_token":null,"metadata":null}}');

$m = $ws->recv_json;

is($m->{type}, 'registered', 'registered');
is($m->{req_id}, 'r1', 'its req_id');
is($m->{payload}{success}, JSON::PP::true, 'success');
is($m->{payload}{error}, undef, 'error is null');
ok(!ref $m->{payload}{$_} && length $m->{payload}{$_}, "$_ is a string")
    for qw(proxy_id proxy_version connection_id);
like($m->{payload}{connection_id}, qr/^test-agent-/, 'connection_id');
ok($ws->goodbye, 'goodbye');

# the daemon with its own heartbeat

$ws = $t->ws('/sled');

$ws->send_text('{"type":"daemon:heartbeat","payload":{"runtime_id":"rt-1"}}');
ok($ws->quiet, 'a heartbeat of its own is ignored');
ok($ws->goodbye, 'goodbye');

$t->finish(leaves => 'ended requests are remembered');
done_testing;
