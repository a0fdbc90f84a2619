#!/usr/bin/perl

# uplink_authorize: a subrequest says who it is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use Test::More;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', 'alpha:sled:' . sha256_hex('secret-a') . "\n");
$t->write_file('key', 'k' x 32);

# the server that is asked answers what the request's own X-Answer says

$t->conf(<<'EOC')->run;
map $http_x_answer $user { default ""; "~user=([^;]*)" $1; }
map $http_x_answer $twice { default ""; ~twice admin; }
map $http_x_answer $roles { default ""; "~roles=([^;]*)" $1; }

server {
    listen 127.0.0.1:%%PORT_0%%;
    uplink_authorize /who;

    location = /none { uplink_echo; }
    location = /tokens { uplink_echo; uplink_auth_tokens tokens; }
    location = /jwt { uplink_echo; uplink_auth_jwt_key HS256 file=key; }
    location = /cookie { uplink_echo; uplink_auth_cookie c; }
    location = /identity { uplink_echo; uplink_identity $http_x_user; }
    location = /optional { uplink_echo; uplink_auth optional; }
    location = /off { uplink_echo; uplink_auth off; }
    location = /not { uplink_echo; uplink_auth_tokens tokens;
                      uplink_authorize off; }
    location = /nowhere { uplink_echo; uplink_authorize /missing; }
    location = /down { uplink_echo; uplink_authorize /down-who; }
    location = /closed { uplink_echo; uplink_authorize /closed-who; }
    location = /open { uplink_echo; uplink_authorize /open-who; }
    location = /slow { uplink_echo; uplink_authorize /slow-who; }
    location = /slow-who {
        internal;
        proxy_pass http://127.0.0.1:%%PORT_2%%;
        proxy_read_timeout 500ms;
    }

    location = /loop { uplink_echo; uplink_authorize /loop; }

    location = /who {
        internal;
        proxy_pass http://127.0.0.1:%%PORT_1%%;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
    }

    location = /down-who { internal; proxy_pass http://127.0.0.1:1; }
    location = /closed-who { internal; return 403; }
    location = /open-who { internal; return 204; }
}

server {
    listen 127.0.0.1:%%PORT_1%%;
    access_log %%DIR%%/asked.log;

    add_header X-Uplink-User $user;
    add_header X-Uplink-Roles $roles;
    add_header X-Uplink-Roles $twice;

    if ($http_x_answer ~ 401) { return 401; }
    if ($http_x_answer ~ 403) { return 403; }
    if ($http_x_answer ~ 302) { return 302 /login; }
    if ($http_x_answer ~ 500) { return 500; }
    if ($http_x_answer = "") { return 401; }
    return 200 "hello\n";
}
EOC

# how often the other server was asked; its log is written a moment later

my $asked = 0;

sub asked {
    my ($more) = @_;

    my $n;
    $asked += $more;

    $t->wait_for(sub {
        $n = () = $t->read_file('asked.log') =~ /\n/g;
        return $n >= $asked;
    });

    my $since = $n - $asked + $more;
    $asked = $n;

    return $since;
}

my $a = 'Bearer secret-a';

# a door, the answer, other headers, the status, and whether it was asked

my @table = (
    ['none', '200', [], 101, 1],
    ['none', '200;user=carl', [], 101, 1],
    ['none', '200;user=carl;roles=operator', [], 101, 1],
    ['none', '200;roles=x, viewer', [], 101, 1],
    ['none', '200;roles=x', [], 403, 1],
    ['none', '200;user=' . 'x' x 256, [], 101, 1],
    ['none', '200;user=' . 'x' x 257, [], 500, 1],
    ['none', '200;roles=' . 'x,' x 256, [], 403, 1],
    ['none', '200;roles=' . 'x ' x 257, [], 500, 1],
    ['none', '200;roles=' . ' ,' x 300 . 'sled', [], 101, 1],
    ['none', '200;roles=sled;twice', [], 500, 1],
    ['none', '401', [], 401, 1],
    ['none', '403', [], 403, 1],
    ['none', '302', [], 500, 1],
    ['none', '500', [], 500, 1],
    ['none', '200', [Authorization => 'Bearer x'], 101, 1],
    ['none', '401', [Authorization => 'Bearer x'], 401, 1],

    # what the client says itself is worth nothing

    ['none', '', ['X-Uplink-User' => 'me', 'X-Uplink-Roles' => 'admin'], 401,
        1],

    ['tokens', '401', [], 401, 1],
    ['tokens', '401', [Authorization => $a], 101, 0],
    ['tokens', '403', [Authorization => $a], 101, 0],
    ['tokens', '200', [Authorization => 'Bearer x'], 101, 1],
    ['tokens', '401', [Authorization => 'Bearer x'], 401, 1],
    ['tokens', '200', [Authorization => 'Basic x'], 101, 1],

    # ours, but not valid: nobody else is asked

    ['jwt', '200', [Authorization => 'Bearer eyJhbGciOiJub25lIn0.e30.'], 401,
        0],
    ['jwt', '200', [Authorization => 'Bearer x'], 101, 1],

    ['cookie', '200', [Cookie => 'c=x'], 101, 1],
    ['cookie', '401', [Cookie => 'c=x'], 401, 1],
    ['cookie', '200', [Cookie => 'c=x', Origin => 'http://evil'], 403, 0],
    ['none', '200', [Origin => 'http://evil'], 403, 0],

    ['identity', '200', ['X-User' => 'carl'], 101, 1],
    ['identity', '401', ['X-User' => 'carl'], 401, 1],
    ['identity', '403', ['X-User' => 'carl'], 403, 1],
    ['identity', '200;roles=x', ['X-User' => 'carl'], 403, 1],
    ['identity', '401', [], 401, 1],

    ['optional', '200', [], 101, 1],
    ['optional', '401', [], 101, 1],
    ['optional', '403', [], 403, 1],
    ['optional', '401', [Authorization => 'Bearer x'], 401, 1],

    ['off', '401', [], 101, 0],
    ['not', '200', [], 401, 0],
    ['not', '401', [Authorization => $a], 101, 0],

    ['nowhere', '', [], 500, 0],
    ['down', '', [], 500, 0],
    ['closed', '', [], 403, 0],
    ['open', '', [], 101, 0],
    ['loop', '', [], 500, 0],
);

for my $case (@table) {
    my ($door, $answer, $headers, $status, $was) = @$case;

    my $ws = $t->handshake("/$door",
        headers => ['X-Answer' => $answer, @$headers]);
    my $name = substr "$door: $answer " . join(' ', @$headers), 0, 60;

    is($ws->status, $status, $name);

    if ($status == 101) {
        $ws->send_text('hello');
        is($ws->recv->{payload}, 'hello', 'and it works');
    }

    $ws->close;

    is(asked($was), $was, $was ? 'the other was asked' : 'nobody was asked');
}

is($t->http(GET => '/who')->status, 404, 'nobody else may ask');

# a request that is no handshake is asked about all the same, once

is($t->http(POST => '/none', body => 'x' x 100000,
    headers => ['X-Answer' => 200])->status, 405, 'with a body');
is(asked(1), 1, 'asked once');

my @ws = map { $t->handshake('/none', headers => ['X-Answer' => 200]) }
    1 .. 50;
is(scalar(grep { $_->status == 101 } @ws), 50, 'fifty at once');
$_->close for @ws;

# somebody is asked who never answers: some wait, some give up

my $silent = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1',
    LocalPort => $t->port(2), ReuseAddr => 1) or die $!;

my @upgrade = (Upgrade => 'websocket', Connection => 'Upgrade',
    'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version' => 13);

my @waiting = map { $t->start(GET => '/slow', headers => \@upgrade) } 1 .. 20;
$_->close for @waiting[0 .. 9];

is(scalar(grep { $_->finish->status == 500 } @waiting[10 .. 19]), 10,
    'no answer is an error');
$silent->close;

like($t->log, qr/"uplink_authorize" unexpected status: 302/,
    'a status that is no answer is an error');
like($t->log, qr/"uplink_authorize" got duplicate "X-Uplink-Roles" header/,
    'and so is a header twice');

$t->finish;

done_testing;
