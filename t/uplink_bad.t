#!/usr/bin/perl

# Messages that are none: each is answered, the eighth in a row closes the
# connection, and nobody else notices.

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
        location = /status { uplink_status main; }
    }
EOC

$t->run;

my $other = sled($t, 'other');

# each of these is answered by error bad_message, with this in its text

my @bad = (
    ['', qr/./],
    ['{', qr/./],
    ['{"type":"heartbeat"} x', qr/./],
    ['[]', qr/object/],
    ['"heartbeat"', qr/object/],
    ['{}', qr/type/],
    ['{"type":null}', qr/type/],
    ['{"type":""}', qr/type/],
    ['{"type":7}', qr/type/],
    ['{"type":"' . 'x' x 65 . '"}', qr/type/],
    ['{"type":"heartbeat","type":"heartbeat"}', qr/type/],
    ['{"type":"heartbeat","req_id":7}', qr/req_id/],
    ['{"type":"heartbeat","req_id":"' . 'x' x 129 . '"}', qr/req_id/],
    ['{"type":"heartbeat","req_id":"a\\u0000"}', qr/req_id/],
    ['{"type":"heartbeat","payload":[]}', qr/payload/],
    ['{"type":"heartbeat","payload":"x"}', qr/payload/],
    ['{"type":"heartbeat","payload":{"a":1,"a":2}}', qr/"a"/],
    ['{"type":"heartbeat","payload":{"a":"\\ud800"}}', qr/./],
    ['[' x 65 . ']' x 65, qr/./],
    ['{"type":"perm_request","payload":{"tool_name":"x","tool_input":1}}',
        qr/req_id/],
    ['{"type":"perm_request","req_id":"","payload":{}}', qr/req_id/],
    ['{"type":"perm_cancel"}', qr/req_id/],
    ['{"type":"perm_ack"}', qr/req_id/],
    ['{"type":"perm_applied","payload":{"applied":true}}', qr/req_id/],
    ['{"type":"perm_applied","req_id":"x"}', qr/applied/],
    ['{"type":"perm_applied","req_id":"x","payload":{"applied":1}}',
        qr/applied/],
    ['{"type":"flow_control"}', qr/action/],
    ['{"type":"flow_control","payload":{"action":"stop"}}', qr/action/],
    ['{"type":"flow_control","payload":{"action":true}}', qr/action/],
);

my $ws = $t->ws('/sled');
say_to($ws, 'heartbeat', 'first');
ok($ws->await('heartbeat_ack'), 'here we are');

for (@bad) {
    my ($text, $message) = @$_;
    my $name = length $text > 60 ? substr($text, 0, 60) . '...' : $text;

    $ws->send_text($text);
    my $m = $ws->recv_json;

    is_deeply([sort keys %$m], [qw(payload req_id type)], "$name: all three");
    is($m->{type}, 'error', "$name: an error");
    is($m->{req_id}, '', "$name: for no request");
    is($m->{payload}{code}, 'bad_message', "$name: bad_message");
    like($m->{payload}{message} // '', $message, "$name: says what");

    # a good one in between ends the row, whether its type is known or not

    if (rand 2 < 1) {
        $ws->send_text('{"type":"never.heard.of.it","payload":{"x":[]}}');

    } else {
        say_to($ws, 'heartbeat', 'h');
        is($ws->recv_json->{type}, 'heartbeat_ack', "$name: goes on");
    }
}

# as many in a row as are allowed, then a good one, and again

for my $row (1 .. 3) {
    for (1 .. 7) {
        $ws->send_text('bad');
        is($ws->recv_json->{type}, 'error', "row $row: bad message $_");
    }

    $ws->send_text('{"type":"unknown"}');
}

say_to($ws, 'heartbeat', 'still');
is($ws->recv_json->{req_id}, 'still', 'still there');

# the eighth

$ws->send_text('bad') for 1 .. 20;

for (1 .. 8) {
    my $m = $ws->recv_json;
    is($m ? $m->{payload}{code} : $ws->error, 'bad_message',
        "$_. is answered");
}

$ws->expect_close(1008, 'and that was the last');

# nothing of it counts for a good one

$ws = $t->ws('/sled');
$ws->send_text('{"req_id":null,"payload":null,"type":"heartbeat","x":{}}');
is_deeply($ws->recv_json,
    { type => 'heartbeat_ack', req_id => '', payload => {} },
    'null is missing, and unknown members are ignored');

my $id = "\x{20ac}\"\\\n\x{1f600}";
say_to($ws, 'heartbeat', $id);
is($ws->recv_json->{req_id}, $id, 'req_id comes back as it was');

my $long = 'x' x 128;
say_to($ws, 'heartbeat', $long);
is($ws->recv_json->{req_id}, $long, 'so does the longest');
$ws->close;

# frames that are no messages

$ws = $t->ws('/sled');
$ws->send_bin('{"type":"heartbeat"}');
$ws->expect_close(1003, 'binary was not agreed');

$ws = $t->ws('/sled');
$ws->send_text("{\"type\":\"\xff\"}");
$ws->expect_close(1007, 'not UTF-8');

$ws = $t->ws('/sled');
$ws->send_json({ type => 'x', pad => 'x' x 66000 });
$ws->expect_close(1009, 'over uplink_max_message');

# one that never reads what it gets is stopped, and takes nobody along

$ws = $t->ws('/sled', rcvbuf => 4096);
my $beats = join '', map { $ws->frame(1, '{"type":"heartbeat"}') } 1 .. 2000;

my $sent = 0;
$sent += length $beats while $sent < 64e6 && $ws->write($beats, 0.5);
cmp_ok($sent, '<', 64e6, 'who does not read is not read either');

say_to($other, 'heartbeat', 'other');
is($other->recv_json->{req_id}, 'other', 'nobody else noticed');

my $acks = 0;
$acks++ while $acks < 50000 && $ws->recv(3);
cmp_ok($acks, '>=', 10000, 'who reads again is read again');
$ws->close;

like($t->log, qr/client sent invalid uplink message: .*"type" is missing/,
    'log');

my $counters = $t->http(GET => '/status')->json->{counters} // {};
cmp_ok($counters->{bad_messages} // 0, '>=', @bad + 21 + 8, 'bad_messages');
cmp_ok($counters->{unknown_type} // 0, '>=', 3, 'unknown_type');

$t->finish;
done_testing;
