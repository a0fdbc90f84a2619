#!/usr/bin/perl

# A worker that dies in the middle of a change, with the lock held: the zone
# is emptied once, everybody is sent away with 1012, and work goes on.  The
# debugger stops the worker where we want it dead; the death is real.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Fleet;

plan skip_all => 'gdb is not installed'
    if !grep { -x "$_/gdb" } split /:/, $ENV{PATH};
plan skip_all => 'the debugger does not see through valgrind'
    if $ENV{UPLINK_VALGRIND};
plan skip_all => 'the leak checker does not work under a debugger'
    if $ENV{UPLINK_SAN};

my $true = JSON::PP::true;

my $t = Uplink::Fleet->new;

$t->fleet('location = /ready { uplink_status main ready; }',
    status => '/status')->run;

# a connection to the worker of port 1, and what comes on it

sub at_one {
    for (1 .. 400) {
        my $http = $t->socket;

        ask_ready($http);
        return $http if (answer($http))[0] =~ /X-Uplink-Port: 1\r/i;
    }

    die "nobody landed in the worker 1\n";
}

sub ask_ready {
    my ($http) = @_;

    return $http->write("GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

sub answer {
    my ($http) = @_;

    return @{$http->until(sub {
        return $_[0]{buffer} =~ s/\A(HTTP.*?\r\n\r\n)([^\r\n]*)\n//s
            && [$1, $2];
    }) || ['', '']};
}

# the debugger at a process, up to the line READY: a handle, and what it said

sub debugger {
    my ($pid, $break, @then) = @_;

    # (what it has to say of missing sources is of no interest)

    open my $gdb, '-|', 'sh', '-c', 'exec gdb "$@" 2>/dev/null', 'gdb',
        '-q', '-batch', '-p', $pid, map { ('-ex', $_) }
        "break $break", 'echo READY\n', 'continue', @then
        or die "gdb: $!";

    my $said = heard($gdb, qr/READY/);

    if ($said !~ /READY/) {
        $t->finish;
        plan skip_all => 'this place does not let us debug';
    }

    return ($gdb, $said);
}

sub heard {
    my ($gdb, $until) = @_;

    my $said = '';

    while (my $line = <$gdb>) {
        $said .= $line;
        last if $line =~ $until;
    }

    return $said;
}

my $op = $t->operator(at => 1);
my $sled = $t->sled('alpha', at => 0);
my $other = $t->sled('beta', at => 1);

$sled->ask('first', {});
$op->await('perm_request');

# stop the sled's worker under the lock, and kill it there

my $victim = $t->pid_at(0);
my %before = map { $_ => 1 } $t->workers;

$t->allow(qr/worker process $victim exited on signal 9/);
$t->allow(qr/shared memory zone "main" was locked by $victim/);
$t->allow(qr/process $victim died in ngx_uplink_request_open\(\) and left/);

my ($gdb, $said) = debugger($victim, 'ngx_uplink_request_change', 'kill');

# the other one is asked something, and held before it looks into the zone

my $http = at_one();
my $go = $t->dir . '/go';

my ($held) = debugger($t->pid_at(1), 'ngx_uplink_status', 'echo HELD\n',
    "shell while [ ! -e $go ]; do sleep 0.02; done", 'delete', 'detach');

ask_ready($http);
like(heard($held, qr/HELD/), qr/HELD/, 'another worker is about to look');

$sled->ask('second', {});

$said .= heard($gdb, qr/never/);
close $gdb;

like($said, qr/Breakpoint 1, .*ngx_uplink_request_change/,
    'it died in the middle of a change');

ok($t->wait_for(sub { grep { !$before{$_} } $t->workers }, 10),
    'a worker takes its place');

# whoever looks next empties the zone

ok($t->wait_for(sub { $t->log =~ /died in ngx_uplink_request_open/ }),
    'the log names the process and what it did');

# the one that was held finds that its fleet is no more

$t->write_file('go', '');

my ($head, $body) = answer($http);
like($head, qr/\AHTTP\/1.1 503 /, 'the other worker is not ready');
is($body, '{"ready":false,"reasons":["restarted"]}', 'and says why');

heard($held, qr/never/);
close $held;

$sled->closed;
$other->expect_close(1012, 'the other sled is sent away');
$op->expect_close(1012, 'and the operator');

my $s = $t->status;
is($s->{sleds}{agents}, 0, 'no sleds');
is($s->{operators}{sessions}, 0, 'no sessions');
is($s->{requests}{pending}, 0, 'no requests');
is($s->{counters}{zone_quarantines}, 1, 'it was emptied once');
is(scalar @{$s->{workers}}, 2, 'the workers have their ports');

# what was counted stays, also what the dead one has counted

is($s->{counters}{sleds_accepted}, 2, 'two sleds were admitted');
is($s->{counters}{requests_opened}, 2, 'two requests were opened');
is($s->{counters}{workers_reaped}, 1, 'one worker was cleaned up after');
is($s->{counters}{bus_drops}, 0, 'no notice was lost that anybody waits for');
is($s->{bus}{queued}, 0, 'and none is left');

is($t->http(GET => "/v1/operators/$op->{session}{sid}",
    headers => [Authorization => "Bearer $op->{session}{token}"])->status,
    404, 'the session is gone');

# and everything works again, through both workers

$op = $t->operator(at => 1);
$sled = $t->sled('alpha', at => 0);
ok(!$sled->{registered}{resumed}, 'the sled begins anew');

$sled->ask('third', {});
$op->decide($op->await('perm_request'), approved => $true);
is($sled->answers('third')->{third}{approved}, $true, 'decided');

my @alerts = $t->log =~ /\[alert\].*unknown state/g;
is(@alerts, 1, 'one alert of ours');

$t->finish;

done_testing;
