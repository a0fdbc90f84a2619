#!/usr/bin/perl

# GET sleds, GET sleds/:id, DELETE sleds/:id: who is there, page by page, who
# may see it, and sending one away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use Time::HiRes qw(time);
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '', map { sprintf "%s:%s:%s%s\n", $_->[0],
    $_->[1], sha256_hex("secret-$_->[0]"), $_->[2] // '' }
    ['all', 'sled', ':workspaces=*:agents=*'],
    ['sled-a', 'sled', ':workspaces=a:agents=*'],
    ['sled-ab', 'sled', ':workspaces=a,b:agents=*'],
    ['sled-0', 'sled', ':agents=*'],
    ['root', 'admin', ':workspaces=*'],
    ['ada', 'viewer', ':workspaces=a'],
    ['bob', 'viewer', ':workspaces=b'],
    ['cy', 'admin', ':workspaces=c'],
    ['eve', 'viewer']);

$t->conf(<<'EOC', workers => 2)->run;
uplink_zone main 4m;
uplink_resume_window 600s;
uplink_auth_tokens tokens;

server {
    listen 127.0.0.1:%%PORT_0%%;
    add_header X-Uplink-Port $uplink_port always;

    location = /sled { uplink_sled main; }
    location = /short { uplink_sled main; uplink_resume_window 0; }
    location /v1/ { uplink_api main; }
    location = /status { uplink_status main; }
}
EOC

sub call {
    my ($method, $path, $who) = @_;

    return $t->http($method => "/v1/$path", headers => [
        Uplink::Operator::bearer('secret-' . ($who // 'root'))]);
}

sub list {
    my ($query, $who) = @_;

    my $r = call(GET => "sleds?$query", $who);
    is($r->status, 200, "GET sleds?$query") or return { sleds => [] };

    return $r->json;
}

sub all {
    my ($who, $limit) = @_;

    my (@names, $after);

    for (1 .. 1000) {
        my $r = call(GET => 'sleds?limit=' . ($limit // 1000)
            . (defined $after ? "&after=$after" : ''), $who)->json;
        push @names, map { $_->{sled} } @{$r->{sleds}};
        $after = $r->{next} // last;
    }

    return @names;
}

sub comes {
    my ($name, $token, %arg) = @_;

    return sled($t, $name, path => '/short', %arg,
        headers => [Uplink::Operator::bearer("secret-$token")]);
}

is_deeply(list(''), { sleds => [], next => undef }, 'nobody is there');
is(call(GET => 'sleds/alpha')->status, 404, 'not this one either');
is(call(GET => 'sleds/alpha')->json->{error}{code}, 'sled_unknown',
    'in a word');
is(call(DELETE => 'sleds/alpha')->status, 404, 'nor can it be sent away');

# ---- one

my $from = time;
my $alpha = $t->ws('/sled', headers => [
    Uplink::Operator::bearer('secret-all')]);
my $reply = register($alpha, agent_id => 'alpha', capabilities => {
    name => "Al\"pha\x{e9}", version => '1.2', features => {}, other => 1 });
ok($reply->{success}, 'a sled registers');

my $one = call(GET => 'sleds/alpha')->json;

is_deeply([sort keys %$one], [sort qw(sled name version connections paused
    away pending tasks since lost)], 'what is known of it');
is($one->{sled}, 'alpha', 'its id');
is($one->{name}, "Al\"pha\x{e9}", 'the name it gave');
is($one->{version}, '1.2', 'and version');
is_deeply([@$one{qw(connections paused away pending tasks lost)}],
    [1, 0, 0, 0, 0, undef], 'connected, and idle');
ok(abs($one->{since} / 1000 - $from) < 60, 'since');
is_deeply(list('')->{sleds}, [$one], 'the list has the same');

is(call(HEAD => 'sleds')->status, 200, 'HEAD sleds');
is(call(HEAD => 'sleds/alpha')->status, 200, 'HEAD sleds/alpha');

for my $case ([{ name => 1, version => [] }, undef, undef],
    [{ name => 'x' x 129, version => 'v' }, undef, 'v'],
    [{ name => 'x' x 128, version => undef }, 'x' x 128, undef],
    [{ name => "\x01" x 128, version => "\"" x 128 }, "\x01" x 128,
        "\"" x 128],
    [{}, undef, undef])
{
    my ($capabilities, $name, $version) = @$case;

    my $ws = $t->ws('/short', headers => [
        Uplink::Operator::bearer('secret-all')]);
    ok(register($ws, agent_id => 'words', capabilities => $capabilities)
        ->{success}, 'whatever it says of itself');

    my $r = call(GET => 'sleds/words')->json;
    is_deeply([@$r{qw(name version)}], [$name, $version], 'words are shown');
    $ws->send_close(1000);
    ok($t->wait_for(sub { call(GET => 'sleds/words')->status == 404 }),
        'until it has gone');
}

# several connections, paused, with requests, tasks, in both workers

my $here = $alpha->header('x-uplink-port');
my $second = sled($t, 'alpha', not_at => $here, headers => [
    Uplink::Operator::bearer('secret-all')]);

say_to($second, 'flow_control', '', { action => 'pause' });
request($second, 'r1');

ok($t->wait_for(sub {
    my $r = call(GET => 'sleds/alpha')->json;
    return $r->{connections} == 2 && $r->{paused} == 1 && $r->{pending} == 1;
}), 'two connections in two workers, one paused, a request');
ok(!exists call(GET => 'sleds/alpha')->json->{name},
    'the newest one says what it is called');

$second->close;
ok($t->wait_for(sub {
    my $r = call(GET => 'sleds/alpha')->json;
    return $r->{connections} == 1 && $r->{away} == 1 && $r->{lost};
}), 'one is lost, and may come back');

# ---- sent away

my $r = call(DELETE => 'sleds/alpha');
is($r->status, 204, 'DELETE');
is($r->body, '', 'says nothing');
$alpha->expect_close(4003, 'kicked');
ok($t->wait_for(sub { call(GET => 'sleds/alpha')->status == 404 }),
    'it is gone, with the window of the other connection');

$alpha = sled($t, 'alpha', resume => $reply, headers => [
    Uplink::Operator::bearer('secret-all')]);
ok(!$alpha->{registered}{resumed}, 'it may come back, and inherits nothing');
$alpha->send_close(1000);
ok($t->wait_for(sub { call(GET => 'sleds/alpha')->status == 404 }), 'gone');

# by a worker that does not have it, after one was killed, after a reload

my @ports = sort map { $_->{port} }
    @{$t->http(GET => '/status')->json->{workers}};

for my $port (@ports) {
    my $ws = comes('x', 'all', at => $port);

    my ($kick) = grep { $_ ne $port } @ports;

    ok($t->wait_for(sub {
        my $r = call(GET => 'sleds/x');
        return $r->header('x-uplink-port') eq $kick && $r->status == 200;
    }), 'the other worker knows it');

    is(call(DELETE => 'sleds/x')->status, 204, 'any worker sends it away');
    $ws->expect_close(4003, 'at once');
    $ws->close;
}

# ---- pages

my @names = map { "s$_" } 1 .. 60;
my %ws;

for my $i (0 .. $#names) {
    $ws{$names[$i]} = comes($names[$i], qw(all sled-a sled-ab sled-0)[$i % 4]);
}

is_deeply([sort { $a cmp $b } all('root')], [sort @names],
    'all of them, in one page');
is_deeply([sort { $a cmp $b } all('root', 7)], [sort @names],
    'each once, by seven');
is(scalar @{list('limit=7')->{sleds}}, 7, 'a page of seven');
is_deeply([map { $_->{sled} } @{list('limit=7')->{sleds}}],
    [map { $_->{sled} } @{list('limit=7')->{sleds}}], 'in the same order');
is(list('limit=60')->{next}, undef, 'the last page says so');

my $page = list('limit=30');
my %seen = map { $_->{sled} => 1 } @{$page->{sleds}};
my $gone = $page->{next};

$ws{$gone}->send_close(1000);
ok($t->wait_for(sub { call(GET => "sleds/$gone")->status == 404 }),
    'the one that a page ended with goes');
$page = list("limit=1000&after=$gone");
is(scalar @{$page->{sleds}}, 30, 'the next page goes on behind it');
is(scalar(grep { $seen{$_->{sled}} } @{$page->{sleds}}), 0, 'with others');
$ws{$gone} = comes($gone, qw(all sled-a sled-ab sled-0)
    [(grep { $names[$_] eq $gone } 0 .. $#names)[0] % 4]);

is(call(GET => "sleds?$_")->status, 400, "$_: 400")
    for 'limit=0', 'limit=1001', 'limit=x', 'limit=', 'after=',
        'after=' . 'x' x 129, 'limit=1&limit=2';

# ---- who sees which

my %of = (all => [], 'sled-a' => [], 'sled-ab' => [], 'sled-0' => []);
push @{$of{qw(all sled-a sled-ab sled-0)[$_ % 4]}}, $names[$_]
    for 0 .. $#names;

is_deeply([sort(all('ada'))], [sort @{$of{'sled-a'}}, @{$of{'sled-ab'}}],
    'of one workspace');
is_deeply([sort(all('bob', 3))], [sort @{$of{'sled-ab'}}], 'of another');
is_deeply([all('cy')], [], 'of one without sleds');
is_deeply([all('eve')], [], 'of none');

for my $case (['ada', $of{'sled-a'}[0], 200], ['ada', $of{'sled-ab'}[0], 200],
    ['ada', $of{all}[0], 404], ['ada', $of{'sled-0'}[0], 404],
    ['bob', $of{'sled-a'}[0], 404], ['root', $of{'sled-0'}[0], 200])
{
    my ($who, $name, $status) = @$case;
    is(call(GET => "sleds/$name", $who)->status, $status,
        "$who looks at $name: $status");
}

is(call(DELETE => "sleds/$of{'sled-a'}[0]", 'cy')->status, 404,
    'an admin of another workspace does not see it');
is(call(GET => "sleds/$of{'sled-a'}[0]")->status, 200, 'it stays');

# ---- a worker is killed, and a reload

my ($victim) = grep { $_ != $t->pid_of($ws{s1}) } $t->workers;
my @lost = grep { $t->pid_of($ws{$_}) == $victim } @names;

$t->kill9($victim);
ok($t->wait_for(sub { all('root') == @names - @lost }),
    'the sleds of a dead worker are gone from the list, the others are not');

$t->reload(wait => 'new');
is(scalar all('root', 10), @names - @lost, 'a reload changes nothing');
is(call(DELETE => 'sleds/s1')->status, 204,
    'a new worker sends away the sled of an old one');
$ws{s1}->expect_close(4003, 'at once');

$t->finish;

done_testing;
