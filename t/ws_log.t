#!/usr/bin/perl

# What the logs say of a WebSocket, and that core's own limits hold for it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);
use Uplink::Test;

my $t = Uplink::Test->new;

$t->conf(<<'EOF', workers => 1)->run;
    uplink_auth off;
    log_format uplink '$uri $status $bytes_sent $body_bytes_sent '
                      '$request_time $connection_requests $request_completion';
    access_log %%DIR%%/uplink.log uplink;
    limit_conn_zone $uri zone=conns:1m;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /echo { uplink_echo; }
        location /small { uplink_max_message 10; uplink_echo; }
        location /lingers { uplink_echo; }
        location /one { limit_conn conns 1; uplink_echo; }
        location /active { stub_status; }
        location /mirrored { mirror /copy; uplink_echo; }
        location /copy { internal; return 204; }
        location /after { post_action /done; uplink_echo; }
        location /done { internal; access_log off; return 204; }
    }
EOF

my ($text, $ping) = (1, 9);

sub access {
    my ($uri) = @_;

    my $line = $t->wait_for(sub {
        $t->read_file('uplink.log') =~ m{^\Q$uri\E (.*)$}m ? $1 : '';
    });

    return split ' ', $line // '';
}

# ---- the access log: at the end, with everything

my $ws = $t->ws('/echo');
my $start = time;

for my $n (1 .. 20) {
    $ws->send_text('x' x 1000 x $n);
    $ws->send_ping('p');
    $ws->recv;
    $ws->recv_frame if !$ws->{pongs};
}

$t->wait_for(sub { time - $start > 0.3 });
is($t->read_file('uplink.log'), '', 'nothing is logged while it lasts');

my $lasted = time - $start;

$ws->goodbye;

my ($status, $sent, $body, $took, $requests, $completion) = access('/echo');

is($status, 101, 'status');
is($sent, $ws->{bytes_in}, 'bytes sent are the bytes that came');
cmp_ok($body, '>', 20 * 21 / 2 * 1000, 'those of the body are the frames');
cmp_ok($took, '>=', $lasted - 0.01, 'the true duration');
cmp_ok($took, '<', $lasted + 5 * $Uplink::Socket::patience, 'not more');
is($completion, 'OK', 'complete');

# ---- every fault of a client, in the words of core, at level info

my $f = bless {}, 'Uplink::WS';

for my $case (
    [$f->frame(3, ''), qr/client sent frame with reserved opcode/],
    [$f->frame($text, '', rsv => 1),
        qr/client sent frame with reserved bits set/],
    [$f->frame($text, 'x', mask => 0), qr/client sent unmasked frame/],
    [$f->frame($ping, 'x', fin => 0),
        qr/client sent fragmented control frame/],
    [$f->frame($ping, 'x' x 126), qr/client sent too long control frame/],
    [$f->frame(0, 'x'),
        qr/client sent continuation frame without a message/],
    [$f->frame($text, 'x', fin => 0) . $f->frame($text, 'x'),
        qr/client sent new message inside a fragmented one/],
    [$f->frame($text, 'x', encoding => 16),
        qr/client sent frame with length not in the shortest form/],
    [pack('CCQ>', 0x82, 0xff, ~0),
        qr/client sent frame with length over 63 bits/],
    [$f->frame($text, 'x' x 11),
        qr/client intended to send too large message: 11 bytes/],
    [$f->frame($text, "\xff"),
        qr/client sent invalid UTF-8 in uplink message/],
    [$f->frame(8, 'x'), qr/client sent close frame with half a code/],
    [$f->frame(8, "\0\0"), qr/client sent close frame with invalid code/],
    [$f->frame(8, "\x03\xe8\xff"),
        qr/client sent invalid UTF-8 in close frame/],
) {
    my ($bytes, $words) = @$case;
    my $ws = $t->ws('/small');

    $ws->send_raw($bytes);
    $ws->recv;

    my $whole = qr/\[info\] [^\n]*$words while serving uplink connection, /;

    ok($t->wait_log(qr/${whole}client: 127\.0\.0\.1, server: , request: "GET/),
        "logged: $words") or $t->log_tail;
    $ws->close;
}

unlike($t->log, qr/\[(?:warn|error|crit|alert|emerg)\](?!.*worker process)/,
    'nothing of a higher level');

# who broke the rules may be sending still: the request stays until he hangs
# up, so that no reset takes the close frame from him

my $sender = $t->ws('/lingers');

$sender->send_raw("\xff\xff");
ok($sender->closed, 'a client that broke the rules is told so');
is($sender->write('still sending' x 1000), 1, 'and may go on sending');
unlike($t->read_file('uplink.log'), qr{/lingers}, 'until he hangs up');
$sender->close;
is((access('/lingers'))[0], 101, 'then it is over');

# ---- limit_conn counts it as long as it lives

my $one = $t->ws('/one');

is($t->handshake('/one')->status, 503, 'limit_conn: the second is refused');
ok($one->goodbye, 'the first leaves');

ok($t->wait_for(sub {
    my $next = $t->handshake('/one');
    $next->close;
    return $next->status == 101;
}), 'then there is room');

# ---- stub_status sees it come and go

sub active {
    return $t->http(GET => '/active')->body =~ /Active connections: (\d+)/
        ? $1 : undef;
}

ok($t->wait_for(sub { active() == 1 }), 'nobody else is here');

my @many = map { $t->ws('/echo') } 1 .. 10;

is(active(), 11, 'ten are counted');
$_->close(reset => $_ % 2) for @many;
ok($t->wait_for(sub { active() == 1 }), 'and are gone');

# ---- other modules hold the request, too

$ws = $t->ws('/mirrored');
$ws->send_text('mirrored');
is(($ws->recv // {})->{payload}, 'mirrored', 'with a mirror');
ok($ws->goodbye, 'and its end');
is((access('/mirrored'))[0], 101, 'logged');

$ws = $t->ws('/after');
$ws->send_text('to be followed');
is(($ws->recv // {})->{payload}, 'to be followed', 'with a post_action');
ok($ws->goodbye, 'and its end');

$ws = $t->ws('/after');
$ws->close(reset => 1);
ok($t->wait_for(sub { active() == 1 }), 'everybody is gone');

$t->finish;

done_testing;
