#!/usr/bin/perl

# A credential that ends takes with it what it has opened: a token that is
# removed from its file, and a JWT that expires.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Uplink::JWT;
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;
my $jwt = Uplink::JWT->new($t->dir);
my $secret = 'k' x 32;

my %roles = (one => 'sled', two => 'sled', three => 'sled', op => 'operator',
    other => 'operator', root => 'admin', bound => 'sled');

# the file without these

sub tokens {
    my (@without) = @_;

    my %left = %roles;
    delete @left{@without};

    $t->write_file('tokens', join '', map {
        sprintf "%s:%s:%s:workspaces=*\n", $_, $left{$_},
            sha256_hex("secret-$_")
    } sort keys %left);

    return;
}

sub bearer { return Uplink::Operator::bearer("secret-$_[0]") }

sub signed {
    my (%claims) = @_;

    return (Authorization => 'Bearer ' . $jwt->token('HS256', \$secret,
        { sub => 'carl', roles => 'sled', agents => '*', %claims }));
}

$t->write_file('key', $secret);
tokens();

# a long drain: what is closed at once is closed because of its token

$t->conf(<<'EOC', workers => 2)->run;
uplink_zone main 2m;
uplink_drain_timeout 60s;
uplink_resume_window 0;
uplink_max_connections_per_agent 100;
uplink_auth_tokens tokens;
uplink_auth_jwt_key HS256 file=key;
uplink_auth_jwt_leeway 0;

server {
    listen 127.0.0.1:%%PORT_0%%;
    add_header X-Uplink-Port $uplink_port always;

    location = /sled { uplink_sled main; }
    location = /required { uplink_sled main; uplink_registration required; }
    location = /optional { uplink_sled main; uplink_auth optional; }
    location /v1/ { uplink_api main; }
    location = /term {
        uplink_terminal main issue=i workspace=$arg_workspace_id;
    }
    location = /status { uplink_status main; }
}
EOC

my @ports = sort map { $_->{port} }
    @{$t->http(GET => '/status')->json->{workers}};

sub here {
    my ($name, %arg) = @_;

    return sled($t, $name, headers => [bearer($name)], %arg);
}

sub alive {
    my ($ws) = @_;

    say_to($ws, 'heartbeat', 'h');
    return defined $ws->await('heartbeat_ack');
}

# ---- removed: closed at once, in whichever worker; the others stay

my @one = map { here('one', at => $_) } @ports;
my @two = map { here('two', at => $_) } @ports;

# a token in register is one as well; a JWT is none

my $three = sled($t, 'three', path => '/required', token => 'secret-three');
my $signed = sled($t, 'x', headers => [signed()]);

my $op = Uplink::Operator->new($t, bearer => 'secret-op')->attach;
my $away = Uplink::Operator->new($t, bearer => 'secret-op');
my $other = Uplink::Operator->new($t, bearer => 'secret-other')->attach;

my $stream = $t->start(GET => '/v1/events', headers => [bearer('op')]);
$stream->head;
is($stream->{status}, 200, 'a stream');
is($stream->line, 'retry: 1000', 'that is open');

say_to($two[0], 'ask', 'q', { operator => $op->{sid}, task_id => 't',
    question => {} });
is($op->await('ask')->{task_id}, 't', 'a question to the operator');

# two browsers at a terminal of the one that stays

sub opens {
    my (@who) = @_;

    my $b = $t->ws('/term?workspace_id=w', headers => [@who]);

    # whichever connection of its sled has the least to do

    my ($s) = $t->readable(10, @two);
    my $open = $s->await('terminal.open');

    say_to($s, 'terminal.opened', '', {
        request_id => $open->{payload}{request_id}, work_dir => '/w',
        session_id => "s-$open->{payload}{request_id}", shell => 'sh' });
    is($b->await('terminal.opened')->{type}, 'terminal.opened', 'a terminal');

    return $b;
}

say_to($two[-1], 'tasks', 'tasks', { tasks => [{ task_id => 't',
    workspace_id => 'w', issue_id => 'i', work_dir => '/w' }] });
is($two[-1]->await('tasks_ok')->{payload}{accepted}, 1, 'a task');

my $browser = opens(bearer('op'));
my $watcher = opens(bearer('other'));

tokens(qw(one three op));
my $from = time;
$t->reload(wait => 'new');

$_->expect_close(1008, 'revoked') for @one;
$three->expect_close(1008, 'one whose token came in register');
$op->ws->expect_close(1008, 'an operator whose session it has made');
$browser->expect_close(1008, 'a terminal');
cmp_ok(time - $from, '<', 20 * $Uplink::Socket::patience, 'at once');

is($one[0]->{close_reason}, 'revoked', 'that is the reason');

my $reply = $two[0]->await('error');
is($reply->{payload}{code}, 'operator_gone', 'its question has failed');
ok(alive($_), 'the others stay') for @two, $signed;

is($t->http(GET => "/v1/requests", headers => [
    Uplink::Operator::bearer($_->{token})])->status, 401,
    'a session of it is unknown') for $op, $away;
is($t->http(GET => "/v1/operators/$away->{sid}", headers => [bearer('root')])
    ->status, 404, 'it does not exist any more');
ok($t->wait_for(sub {
    $t->http(GET => "/v1/operators/$op->{sid}", headers => [bearer('root')])
        ->status == 404;
}), 'neither does that with the socket');

ok($other->await('drain'), 'another operator is asked to come back');
ok($watcher->await('drain'), 'and another terminal');
$watcher->close;
is($t->http(GET => '/v1/operators/' . $other->{sid}, headers => [
    Uplink::Operator::bearer($other->{token})])->status, 200,
    'its session lives on');

1 while defined $stream->line;
ok($stream->{complete}, 'the stream has ended');
is($t->http(GET => '/v1/events', headers => [bearer('op')])->status, 401,
    'and cannot be opened again');
is($t->handshake('/sled', headers => [bearer('one')])->status, 401,
    'nor can the sled');

like($t->log, qr/\d+ connections and sessions of revoked tokens end/,
    'the log says so');
unlike($t->log, qr/secret-/, 'and no secret');

$_->close for @two, $signed;
$other->ws->close;

ok($t->wait_for(sub { !$t->leaving }, 20), 'the old workers leave');

# ---- admitted by an old worker when the new ones run already

tokens();
$t->reload;

# of those who have not registered yet, the last has half a minute

my $late = $t->ws('/required');
my @late = ($late, map { $t->ws('/required', on => $t->pid_of($late)) }
    1 .. 7);
$late = pop @late;

tokens('one');
$t->reload(wait => 'new');
ok(register($late, agent_id => 'one', auth_token => 'secret-one')->{success},
    'an old worker knows its own tokens only');
$late->expect_close(1008, 'but not for long');
$_->close for @late;

# ---- twice, and a worker is killed in between

tokens();
$t->reload;
my @all = map { here('two', at => $_) }
    map { $_->{port} } grep { !$_->{leaving} }
    @{$t->http(GET => '/status')->json->{workers}};

$t->reload(wait => 'new');
tokens('two');
$t->kill9((grep { my $p = $_; !grep { $t->pid_of($all[$_]) == $p } 0 .. 1 }
    $t->workers)[0]);
ok(alive($_), 'a file that changes is not read before a reload') for @all;
$t->reload(wait => 'new');
$_->expect_close(1008, 'after two reloads') for @all;

# ---- a reload that fails, or changes nothing, closes nothing

tokens();
$t->reload;
my $stays = here('two');
tokens('two');
$t->write_file('tokens', $t->read_file('tokens') . "bad line\n");
$t->signal('HUP');
ok($t->wait_log(qr/\[emerg\]/), 'a reload that fails');
$t->allow(qr/\[emerg\]/);
ok(alive($stays), 'closes nothing');
tokens();
$t->reload(wait => 'new');
ok(alive($stays), 'nor does one that changes nothing');
$stays->send_close(1000);

# ---- many

$t->reload;
my @many = map { here($_ % 4 ? 'two' : 'one', path => '/sled') } 1 .. 8;
push @many, map { Uplink::Operator->new($t, bearer => 'secret-op') } 1 .. 200;
tokens(qw(op));
$t->reload(wait => 'new');
ok($t->wait_for(sub {
    my $list = $t->http(GET => '/v1/operators?limit=1000', headers => [
        bearer('root')])->json->{operators};
    return !grep { $_->{name} eq 'op' } @$list;
}), '200 sessions of a token that was removed are deleted');
$_->close for @many[0 .. 7];

# ---- a JWT that expires

tokens();
$t->reload;

for my $path ('/sled', '/required') {
    my $ws = sled($t, 'x', path => $path, headers => [signed(exp => time + 3)]);
    ok(alive($ws), "admitted at $path by a JWT");
    $ws->expect_close(1008, 'closed when it expires');
}

my $silent = $t->ws('/sled', headers => [signed(exp => time + 3)]);
$silent->expect_close(1008, 'one that says nothing as well');

my $host = here('two');
@two = ($host);
say_to($host, 'tasks', 'tasks', { tasks => [{ task_id => 't',
    workspace_id => 'w', issue_id => 'i', work_dir => '/w' }] });
ok($host->await('tasks_ok'), 'a task');
my $guest = opens(signed(exp => time + 3, roles => 'operator',
    workspaces => 'w'));
$guest->expect_close(1008, 'a terminal is closed when its JWT expires');
$host->send_close(1000);

my $far = sled($t, 'x', headers => [signed(exp => time + 10_000_000_000)]);
ok(alive($far), 'a JWT of the next century');
$far->send_close(1000);

my $ends = $t->start(GET => '/v1/events', headers => [
    signed(exp => time + 2, roles => 'viewer', workspaces => '*')]);
is($ends->line, 'retry: 1000', 'a stream by a JWT');
1 while defined $ends->line(20);
ok($ends->{complete}, 'ends with it');

# ---- optional: no name that a token is bound to

for my $case (['bound', 0], ['one', 0], ['free', 1], ['bounds', 1],
    ['boun', 1], ['Bound', 1], ['op', 1])
{
    my ($name, $may) = @$case;

    my $ws = $t->ws('/optional');
    my $r = register($ws, agent_id => $name);
    is($r->{success} ? 1 : 0, $may, "nobody as $name");
    like($r->{error}, qr/^agent_not_allowed/, 'why') if !$may;
    $ws->close;

    is($t->handshake("/optional?sled=$name")->status, $may ? 101 : 403,
        'in the URL, too');
}

my $bound = sled($t, 'bound', path => '/optional', headers => [
    bearer('bound')]);
ok($bound->{registered}{success}, 'who has the token may');
$bound->send_close(1000);

is($t->handshake('/sled', headers => [bearer('none')])->header(
    'www-authenticate'), 'Bearer', '401 of a sled has WWW-Authenticate');

for my $op (@{$t->http(GET => '/v1/operators?limit=1000', headers => [
    bearer('root')])->json->{operators}})
{
    $t->http(DELETE => "/v1/operators/$op->{sid}", headers => [
        bearer('root')]);
}

$t->finish;

done_testing;
