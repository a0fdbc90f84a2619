#!/usr/bin/perl

# Several connections of one sled, names of those that do not register, and
# the count of all of them when workers die.

use strict;
use warnings;

use Test::More;

use Digest::SHA qw(sha256_hex);

use FindBin;
use lib "$FindBin::Bin/lib";
use Uplink::Test;
use Uplink::Sled;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '',
    'alpha:sled:' . sha256_hex('alpha-secret') . "\n",
    'pair:sled:' . sha256_hex('pair-secret') . ":agents=one,two\n",
    'single:sled:' . sha256_hex('single-secret') . ":agents=only\n");

$t->conf(<<'EOC');
    uplink_zone main 2m;
    uplink_auth off;
    uplink_resume_window 300ms;

    server {
        listen 127.0.0.1:%%PORT_0%%;
        add_header X-Uplink-Port $uplink_port always;

        location = /sled { uplink_sled main; }
        location = /listed {
            uplink_sled main;
            uplink_allowed_agents one;
            uplink_allowed_agents two three;
        }
        location = /named {
            uplink_sled main;
            uplink_identity $arg_me;
        }
        location = /token {
            uplink_sled main;
            uplink_auth required;
            uplink_auth_tokens %%DIR%%/tokens;
        }
        location /v1/ { uplink_api main; }
        location = /status { uplink_status main; }
    }
EOC

$t->run;

sub sleds {
    my ($agents, $connections, $paused, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $want = { agents => $agents, connections => $connections,
        paused => $paused };
    my $have;

    $t->wait_for(sub {
        my $s = $t->http(GET => '/status')->json->{sleds};
        $have = { map { $_ => $s->{$_} } keys %$want };
        return $have->{agents} == $agents
            && $have->{connections} == $connections
            && $have->{paused} == $paused;
    }, 10);

    is_deeply($have, $want, $name);

    return;
}

# ---- one sled, four connections, in both workers

my $a = sled($t, 'alpha');
my $at = $a->header('x-uplink-port');
my $b = sled($t, 'alpha', not_at => $at);
my @more = map { sled($t, 'alpha') } 1 .. 2;

sleds(1, 4, 0, 'four connections of one sled');

my $fifth = $t->ws('/sled', not_at => $at);
like(register($fifth, agent_id => 'alpha')->{error},
    qr/^too_many_connections: /, 'the fifth is one too many');
$fifth->expect_close(1013, 'closed');

# an unregistered one of the same name is no exception

$fifth = $t->ws('/sled?sled=alpha');
request($fifth, 'x');
like($fifth->await('registered')->{payload}{error},
    qr/^too_many_connections: /, 'not by another name either');
$fifth->expect_close(1013, 'closed');

sleds(1, 4, 0, 'it took nothing');

# ---- flow control, each for itself

say_to($a, 'flow_control', '', { action => 'pause' });
sleds(1, 4, 1, 'one is paused');
say_to($a, 'flow_control', '', { action => 'pause' });
say_to($b, 'flow_control', 'id', { action => 'pause' });
sleds(1, 4, 2, 'two are paused');
say_to($a, 'flow_control', '', { action => 'resume' });
sleds(1, 4, 1, 'one goes on');
ok($b->goodbye, 'a paused one leaves');
sleds(1, 3, 0, 'nothing is left of it');

# ---- places are given back, whatever the way

$more[0]->close(reset => 1);
sleds(1, 2, 0, 'a reset');
$more[1]->send_raw("\xff\xff\xff");
$more[1]->expect_close(1002, 'a protocol error');
sleds(1, 1, 0, 'gives its place back');

# ---- kill -9 of the worker that holds one

my $pid = $t->pid_of($a);
$b = sled($t, 'alpha', not_at => $at);
my $c = sled($t, 'gamma', at => $at);
sleds(2, 3, 0, 'three connections of two sleds');

$t->kill9($pid);
sleds(1, 1, 0, 'those of the dead worker are gone');
ok($b->quiet, 'the others stay');

my @again = map { sled($t, 'alpha') } 1 .. 3;
sleds(1, 4, 0, 'and there is room again');
$_->goodbye for $b, @again;
sleds(0, 0, 0, 'all gone');

# ---- who does not register

sub name_is {
    my ($want, $path, @arg) = @_;

    my $ws = $t->ws($path, @arg);
    request($ws, 'who');

    my ($open) = open_requests($t, 1);
    like($open->{sled}, $want, "$path: $open->{sled}");
    ok($ws->goodbye, 'goodbye');
    open_requests($t, 0);

    return;
}

sub bearer { return (headers => [Authorization => "Bearer $_[0]-secret"]) }

name_is(qr/^anon-[0-9a-f]{12}$/, '/sled');
name_is(qr/^a:b$/, '/sled?sled=a%3Ab');
name_is(qr/^me$/, '/named?me=me');
name_is(qr/^me$/, '/named?me=me&sled=me');
name_is(qr/^anon-/, '/listed');
name_is(qr/^three$/, '/listed?sled=three');
name_is(qr/^alpha$/, '/token', bearer('alpha'));
name_is(qr/^only$/, '/token', bearer('single'));
name_is(qr/^two$/, '/token?sled=two', bearer('pair'));

my $ws = $t->ws('/token', bearer('pair'));
request($ws, 'who');
like($ws->await('registered')->{payload}{error}, qr/^agent_not_allowed: /,
    'a token of two names does not say which');
$ws->expect_close(1008, 'closed');

$ws = $t->ws('/named?me=a%20b');
request($ws, 'who');
like($ws->await('registered')->{payload}{error}, qr/./, 'no name at all');
$ws->expect_close(1008, 'closed');

# a silent one may stay, and is nobody

$ws = $t->ws('/sled');
ok(!$ws->recv(0.5), 'silence');
sleds(0, 0, 0, 'a silent one holds nothing in the zone');
say_to($ws, 'heartbeat', 'h');
ok($ws->await('heartbeat_ack'), 'until it speaks');
sleds(1, 1, 0, 'then it is one');
say_to($ws, 'register', 'late', { protocol_version => 2, agent_id => 'x' });
is($ws->recv_json->{payload}{code}, 'already_registered',
    'it has a name already');
$ws->close;

sleds(0, 0, 0, 'one that never registered leaves no window');

# ---- many come and go

for my $round (1 .. 5) {
    my @ws = map { sled($t, "many-$_") } 1 .. 50;
    $_ % 2 ? $ws[$_]->close : $ws[$_]->send_close(1000) for 0 .. $#ws;
}

sleds(0, 0, 0, 'nobody is left');

$t->finish(leaves => 'requests that ended are remembered');
done_testing;
