#!/usr/bin/perl

# The gateway closes first: what it waits for, and for how long.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Socket qw(SOL_SOCKET SO_SNDBUF);
use Time::HiRes qw(time);
use Uplink::Test;

my $t = Uplink::Test->new;
my $wait = 400 * $Uplink::Socket::patience;

$t->conf(<<"EOF")->run;
    uplink_zone main 1m;
    uplink_auth off;
    uplink_registration required;

    server {
        listen 127.0.0.1:%%PORT_0%% sndbuf=16k rcvbuf=16k;
        uplink_send_buffer 64k;

        location /long { uplink_close_timeout 1h; uplink_sled main; }
        location /short { uplink_close_timeout ${wait}ms; uplink_sled main; }
        location = /status { uplink_status main; }
    }
EOF

my ($text, $binary, $close, $ping) = (1, 2, 8, 9);
my $f = bless {}, 'Uplink::WS';

# a sled that does not register is closed with 1008; what the client has sent
# behind that is in $more

sub closing {
    my ($path, $more) = @_;

    my $ws = $t->ws($path);

    $ws->send_raw($f->frame($text, '{"type":"perm_request"}') . ($more // ''));
    while ($ws->recv) { }

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($ws->{close_code}, 1008, "$path: the gateway closes")
        or diag $ws->error;

    return $ws;
}

# ---- the answer ends it

my $ws = closing('/long');

ok(!$ws->readable, 'the gateway waits for the answer');
$ws->send_close(1008);
ok($ws->closed, 'and then it ends');
is($ws->{buffer}, '', 'nothing comes behind the close frame');

$ws = closing('/long');
$ws->send_close(4999);
ok($ws->closed, 'whatever the code');

$ws = closing('/long');
$ws->send_close;
ok($ws->closed, 'or none');

# what comes before the answer is passed over

$ws = closing('/long', $f->frame($text, 'too late') . $f->frame($ping, 'x'));
$ws->send_raw($f->frame($text, 'x' x 100000) . $f->frame($binary, "\xff")
    . $f->frame($text, "\xff invalid") . $f->frame($ping, '')
    . $f->frame($text, 'part', fin => 0));
$ws->send_split($f->frame($close, pack 'n', 1008), 1 .. 8);
ok($ws->closed, 'the answer behind other frames, in parts');
is($ws->{buffer}, '', 'none of them is answered');

# an answer that is none

$ws = closing('/long');
$ws->send_raw("\xff\xff");
ok($ws->closed, 'an illegal frame ends it, too');

$ws = closing('/long');
$ws->send_frame($close, 'x');
ok($ws->closed, 'and so does a broken close frame');

# the client hangs up

$ws = closing('/long');
$ws->close;
$ws = closing('/long');
$ws->close(reset => 1);
$ws = closing('/long');
shutdown $ws->handle, 1;
ok($ws->closed, 'a client that only hangs up');

# a client that did not read, and was not read therefore: its answer is

sub sled {
    my (%payload) = @_;

    my $ws = $t->ws('/long', rcvbuf => 8192, limit => 20);

    setsockopt $ws->handle, SOL_SOCKET, SO_SNDBUF, 16384;

    $ws->send_json({ type => 'register', req_id => 'r', payload => {
        protocol_version => 2, agent_id => 'slow', capabilities => {},
        %payload } });

    my $registered = $ws->await('registered');

    return ($ws, $registered->{payload});
}

my ($old, $ticket) = sled();
my $beat = $old->frame($text, '{"type":"heartbeat","req_id":"'
    . 'x' x 100 . '","payload":{}}');

my $select = IO::Select->new($old->handle);
my $done = 0;

while ($select->can_write(0.3) && $done < 1e7) {
    $done += syswrite($old->handle, substr $beat x 100,
        $done % length $beat) // 0;
}

cmp_ok($done, '<', 1e7, 'it is not read any more');

my ($new, $resumed) = sled(resume => { connection_id =>
    $ticket->{connection_id}, resume_token => $ticket->{resume_token} });

ok($resumed->{resumed}, 'another connection takes its place');
while ($old->recv) { }
is($old->{close_code}, 4001, 'it reads up to the close frame');
$old->send_raw(substr($beat, $done % length $beat)
    . $f->frame($close, pack 'n', 4001));
ok($old->closed, 'and its answer is read');
ok($new->goodbye, 'as is that of the other');

# ---- no answer: uplink_close_timeout

my $start = time;

$ws = closing('/short');
ok($ws->closed(10), 'without an answer the gateway hangs up');
cmp_ok(time - $start, '>=', $wait / 1000 * 0.9, 'not before its time');
ok($t->wait_log(qr/\[info\].*client timed out.*\/short/), 'and logs it');

# data is no answer

$start = time;
$ws = closing('/short');

for (1 .. 100000) {
    last if $ws->readable;
    $ws->send_text('still talking') or last;
    select undef, undef, undef, 0.005;
    last if time - $start > 10 * $Uplink::Socket::patience;
}

ok($ws->closed(10), 'talking does not put it off');
cmp_ok(time - $start, '<', 5 * $Uplink::Socket::patience, 'nor away');

# nothing is left of them

ok($t->wait_for(sub {
    my $status = $t->http(GET => '/status')->json;
    return $status && $status->{sleds}{connections} == 0;
}), 'all of them are gone');

$t->finish;

done_testing;
