#!/usr/bin/perl

# GET events: what happens, to whom it concerns, in its order, without a hole
# that is not told; however slowly the client reads, and whatever happens to
# the worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Uplink::Operator;
use Uplink::Sled;
use Uplink::Test;

my $t = Uplink::Test->new;

$t->write_file('tokens', join '', map { sprintf "%s:%s:%s%s\n", $_->[0],
    $_->[1], sha256_hex("secret-$_->[0]"), $_->[2] // '' }
    ['alpha', 'sled', ':workspaces=a,b:agents=*'],
    ['sled-a', 'sled', ':workspaces=a:agents=*'],
    ['root', 'admin', ':workspaces=*'],
    ['ada', 'viewer', ':workspaces=a'],
    ['bob', 'viewer', ':workspaces=b'],
    ['op', 'operator', ':workspaces=a,b'],
    ['eve', 'viewer']);

my $conf = <<'EOC';
uplink_zone main 1m;
uplink_auth_tokens tokens;
uplink_request_memory 1s;
uplink_drain_timeout 4s;
send_timeout 2s;

server {
    listen 127.0.0.1:%%PORT_0%% sndbuf=4k;
    listen 127.0.0.1:%%PORT_1%% http2;
    add_header X-Uplink-Port $uplink_port always;

    location = /sled { uplink_sled main; }
    location = /short { uplink_sled main; uplink_resume_window 0; }
    location /v1/ { uplink_api main; }
    location = /status { uplink_status main; }
}
EOC

$t->conf($conf, workers => 2)->run;

sub bearer { return Uplink::Operator::bearer($_[0]) }

# a stream that is open: its first words have come

sub stream {
    my ($who, %arg) = @_;

    my $last = delete $arg{last};
    my $at = delete $arg{at};
    my @others;

    for (1 .. 200) {
        my $s = $t->start(GET => '/v1/events', %arg, headers => [
            bearer($who =~ /^S-/ ? $who : "secret-$who"),
            defined $last ? ('Last-Event-ID' => $last) : ()]);

        $s->head or die 'no stream: ' . ($s->error // '') . "\n";
        return $s if $s->{status} != 200;

        if (!defined $at || $s->header('x-uplink-port') eq $at) {
            my $hello = event($s);
            is($hello->{retry}, 1000, 'a stream opens');
            return $s;
        }

        push @others, $s;
    }

    die "no stream landed in $at\n";
}

# the next event, be it a comment: fields, and data decoded

sub event {
    my ($s, $limit) = @_;

    my %event;

    for ( ;; ) {
        my $line = $s->line($limit);
        return if !defined $line;
        last if $line eq '';

        $line =~ /^([a-z]*): ?(.*)$/ or die "bad line: $line\n";
        $event{$1} = $2;
    }

    $event{data} = JSON::PP->new->utf8->decode($event{data})
        if defined $event{data};

    return \%event;
}

# the next one that is not a comment

sub happened {
    my ($s, $limit) = @_;

    while (my $e = event($s, $limit)) {
        return $e if exists $e->{event};
    }

    return;
}

# "event name state" of the next n

sub told {
    my ($s, $n) = @_;

    my @told;

    while (@told < $n) {
        my $e = happened($s) or last;
        my $d = $e->{data};
        push @told, join ' ', $e->{event},
            $d->{kind} // $d->{sled} // $d->{sid} // '-', $d->{state} // '-';
    }

    return \@told;
}

sub comes {
    my ($name, $token, %arg) = @_;

    return sled($t, $name, path => '/short', %arg,
        headers => [bearer("secret-$token")]);
}

# ---- what is told, and how

my $root = stream('root');

is($root->header('content-type'), 'text/event-stream', 'Content-Type');
is($root->header('cache-control'), 'no-store', 'Cache-Control');
is($root->header('x-accel-buffering'), 'no', 'not for proxies to keep');
is(lc $root->header('transfer-encoding'), 'chunked', 'chunked');

my $from = time;
my $sled = sled($t, 'alpha', headers => [bearer('secret-alpha')]);

my $e = happened($root);
is($e->{event}, 'sled', 'a sled');
like($e->{id}, qr/^\d+$/, 'has a number');
is_deeply([sort keys %{$e->{data}}], [qw(sled state time)], 'its members');
is($e->{data}{sled}, 'alpha', 'who');
is($e->{data}{state}, 'connected', 'what');
ok(abs($e->{data}{time} / 1000 - $from) < 60, 'when');

my $first = $e->{id};

request($sled, 'r1', workspace_id => 'a');
$e = happened($root);
is($e->{id}, $first + 1, 'numbers have no holes');
is($e->{event}, 'request', 'a request');
is_deeply([sort keys %{$e->{data}}], [qw(kind req_id sled state time)],
    'its members');
is($e->{data}{kind}, 'perm_request', 'its kind');
is($e->{data}{state}, 'open', 'is open');
is($e->{data}{sled}, 'alpha', 'of a sled');
my $id = $e->{data}{req_id};
like($id, qr/^any-perm-[0-9a-f]{32}$/, 'by its id');

my $op = Uplink::Operator->new($t, bearer => 'secret-op');
$op->attach;
$e = happened($root);
is_deeply([$e->{event}, @{$e->{data}}{qw(sid state)}],
    ['operator', $op->{sid}, 'attached'], 'an operator attaches');

$op->decide($id, approved => \1);
answer($sled, 'r1');
$e = happened($root);
is_deeply([$e->{event}, @{$e->{data}}{qw(req_id state reason)}],
    ['request', $id, 'decided', 'operator'], 'decided, by a person');
is_deeply(told($root, 1), ['request perm_request delivered'], 'delivered');

$sled->close;
is_deeply(told($root, 1), ['sled alpha away'], 'away');
$sled = sled($t, 'alpha', resume => $sled->{registered},
    headers => [bearer('secret-alpha')]);
is_deeply(told($root, 1), ['sled alpha back'], 'back');
request($sled, 'r2');
say_to($sled, 'perm_cancel', 'r2');
is(happened($root)->{data}{state}, 'open', 'open');
$e = happened($root);
is_deeply([@{$e->{data}}{qw(state reason)}], ['withdrawn', 'cancelled'],
    'withdrawn');
$sled->send_close(1000);
is_deeply(told($root, 1), ['sled alpha gone'], 'gone');
$op->ws->send_close(1000);
is_deeply(told($root, 1), ["operator $op->{sid} detached"],
    'an operator detaches');

# ---- from where: resumed, or only the future

my $end = happened(stream('root', last => $first - 1));
is($end->{id}, $first, 'Last-Event-ID: from the next one on');

my $again = stream('root', last => $first + 3);
is(happened($again)->{id}, $first + 4, 'or from there');
$again->close;

my $future = stream('root');
my $s = comes('beta', 'alpha');
is_deeply(told($future, 1), ['sled beta connected'],
    'without it: what is to come');
$future->close;

my $none = stream('root', last => '');
$s->send_close(1000);
is_deeply(told($none, 1), ['sled beta gone'], 'an empty one is none');
$none->close;

for my $last (999_999_999, '9' x 30, 'x', '-1', '1 2') {
    my $gap = stream('root', last => $last);
    $e = happened($gap);
    is($e->{event}, 'gap', "a number that never was: $last");
    is_deeply($e->{data}, { from => undef, to => undef }, 'that is all');
    is(happened($gap)->{id}, $e->{id} + 1, 'then what there is');
    $gap->close;
}

# ---- to whom

my %stream = map { $_ => stream($_) } qw(root ada bob eve);
$stream{op} = stream($op->{token});

my $sa = comes('sa', 'sled-a');
is_deeply(told($stream{$_}, 1), ['sled sa connected'], "$_ hears of a sled")
    for qw(root ada op);

my $sab = comes('sab', 'alpha');
is_deeply(told($stream{root}, 1), ['sled sab connected'],
    'one of several workspaces is for those who see all');

request($sab, 'qa', workspace_id => 'a');
is_deeply(told($stream{$_}, 1), ['request perm_request open'],
    "$_ hears of a request in a") for qw(root ada op);
request($sab, 'qb', workspace_id => 'b');
is_deeply(told($stream{$_}, 1), ['request perm_request open'],
    "$_ hears of one in b") for qw(root bob op);
request($sab, 'q0');
is_deeply(told($stream{root}, 1), ['request perm_request open'],
    'none hears of one in no workspace, but for who sees all');

say_to($sab, 'ask', 'direct', { operator => $op->{sid}, task_id => 't',
    workspace_id => 'a', question => {} });
is_deeply(told($stream{op}, 1), ['request ask open'],
    'a question to one is for him');

say_to($sab, 'perm_cancel', $_) for qw(qa qb q0);
is_deeply(told($stream{ada}, 1), ['request perm_request withdrawn'],
    'and for nobody else');
is_deeply(told($stream{bob}, 1), ['request perm_request withdrawn'],
    'to each his own');
is_deeply(told($stream{root}, 3), [('request perm_request withdrawn') x 3],
    'all of them to who sees all');

$_->send_close(1000) for $sa, $sab;
is_deeply([sort @{told($stream{root}, 2)}], ['sled sa gone', 'sled sab gone'],
    'gone');

is($t->http(GET => '/v1/events')->status, 401, 'nobody: 401');
is($t->http(GET => '/v1/events', headers => [bearer('wrong')])->status, 401,
    'a wrong token: 401');

my $head = $t->http(HEAD => '/v1/events', headers => [bearer('secret-root')]);
is($head->status, 200, 'HEAD');
is($head->header('content-type'), 'text/event-stream', 'is about a stream');

# a session that is deleted hears no more

is($op->delete, 204, 'a session is deleted');
my $o = comes('o', 'sled-a');
ok($t->wait_for(sub { !defined happened($stream{op}) }), 'its stream ends');
$o->send_close(1000);

$_->close for values %stream, $root;

# ---- many streams, in both workers

my @ports = sort map { $_->{port} }
    @{$t->http(GET => '/status')->json->{workers}};
my @many = map { stream('root', at => $ports[$_ % 2]) } 1 .. 40;

my $c = comes('gamma', 'alpha', at => $ports[0]);
$c->send_close(1000);

is(scalar(grep { join(', ', @{told($_, 2)}) eq
    'sled gamma connected, sled gamma gone' } @many), 40,
    '40 streams in two workers hear the same');

$_->close for @many[1 .. 39];

# ---- a client that does not read: cut, and nothing grows

my $slow = $t->start(GET => '/v1/events', rcvbuf => 2048,
    headers => [bearer('secret-root'), 'Last-Event-ID' => 1]);
my $ready = time;

my $busy = comes('busy', 'alpha');

for my $round (1 .. 400) {
    for my $n (1 .. 5) {
        request($busy, "x$round-$n", workspace_id => 'a');
        say_to($busy, 'perm_cancel', "x$round-$n");
    }

    last if $t->log =~ /client timed out/;
    select undef, undef, undef, 0.01;
}

ok($t->wait_log(qr/client timed out.*events/), 'who does not read is cut');

# ---- a gap: the ring has gone round meanwhile

my $gap = stream('root', last => $first);
$e = happened($gap);
is($e->{event}, 'gap', 'a gap is told');
is($e->{data}{from}, $first + 1, 'from where');
is($e->{data}{to}, $e->{id}, 'to where, and that is heard');
is(happened($gap)->{id}, $e->{id} + 1, 'then it goes on');
$gap->close;

$busy->send_close(1000);

# ---- comments

SKIP: {
    skip 'a comment comes after 15 s', 1 if $ENV{UPLINK_QUICK};

    my $quiet = $many[0];
    1 while happened($quiet, 0.5);
    my $comment = event($quiet, 20);
    is_deeply($comment, { '' => '' }, 'a comment line, now and then');
    $quiet->close;
}

# ---- HTTP/2

SKIP: {
    skip 'no curl with HTTP/2', 2 if `curl -V 2>&1` !~ /HTTP2/;

    my $out = $t->dir . '/h2';
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', $out;
        exec 'curl', '-s', '-N', '--http2-prior-knowledge', '-m', 60,
            '-H', 'Authorization: Bearer secret-root',
            'http://127.0.0.1:' . $t->port(1) . '/v1/events';
    }

    ok($t->wait_for(sub { -e $out && $t->read_file('h2') =~ /retry/ }),
        'a stream over HTTP/2');

    my $h2 = comes('h2', 'alpha');
    ok($t->wait_for(sub {
        $t->read_file('h2') =~ /"sled":"h2","state":"connected"/;
    }), 'tells what happens');
    $h2->send_close(1000);

    kill 'KILL', $pid;
    waitpid $pid, 0;
}

ok($t->wait_for(sub {
    !grep { $_->{connections} } @{$t->http(GET => '/status')->json->{workers}};
}), 'who has gone is not counted any more');

# ---- a worker dies: the others go on, and those of it come back

my $one = stream('root', at => $ports[0]);
my $two = stream('root', at => $ports[1]);

my $d = comes('delta', 'alpha', at => $ports[0]);
is_deeply(told($one, 1), ['sled delta connected'], 'one hears');
my $heard = happened($two);
is($heard->{data}{sled}, 'delta', 'two hears');

$t->kill9($t->pid_of($d));
ok(!defined happened($one), 'a stream ends with its worker');
$e = happened($two);
is_deeply([@{$e->{data}}{qw(sled state)}], ['delta', 'gone'],
    'the other one hears that a sled was lost');

$one = stream('root', last => $heard->{id});
is_deeply(happened($one), $e, 'who comes back hears the same');

# ---- a reload: the stream ends, and is resumed without a hole

my $f = comes('zeta', 'alpha');
my $last = happened($one)->{id};
is(happened($two)->{id}, $last, 'both have heard');

$t->reload(wait => 'new');

for my $s ($one, $two) {
    my $bye = event($s);
    1 while $bye && exists $bye->{''} && ($bye = event($s));
    ok(!$bye || $bye->{retry} <= 2000, 'when to come back');
    ok($t->wait_for(sub { $s->{complete} || !defined event($s) }),
        'the stream ends');
    ok($s->{complete}, 'as a whole response');
}

$f->close;
my $back = stream('root', last => $last);
is_deeply(told($back, 1), ['sled zeta gone'],
    'and goes on where it was, in a new worker');

$back->close;

$t->finish;

done_testing;
