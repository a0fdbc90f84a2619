#!/usr/bin/perl

# Workers that die over the audit log itself: before a line is written, when
# it is written and nobody knows, and with the lock held, which empties the
# zone.  Nothing is missing without being told, and what stands there twice
# says that it does.  The debugger stops the worker; the death is real.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Audit;

plan skip_all => 'gdb is not installed'
    if !grep { -x "$_/gdb" } split /:/, $ENV{PATH};
plan skip_all => 'the debugger does not see through valgrind'
    if $ENV{UPLINK_VALGRIND};
plan skip_all => 'the leak checker does not work under a debugger'
    if $ENV{UPLINK_SAN};

my $t = Uplink::Audit->new;

$t->audit('', 'uplink_permission_timeout 500ms;')->run;

# the worker of a client dies in this function while it does that

sub crash {
    my ($client, $function, $do) = @_;

    my $victim = $t->pid_of($client);
    my %before = map { $_ => 1 } $t->workers;

    $t->allow(qr/worker process $victim exited on signal 9/);

    open my $gdb, '-|', 'sh', '-c', 'exec gdb "$@" 2>/dev/null', 'gdb',
        '-q', '-batch', '-p', $victim, '-ex', "break $function",
        '-ex', 'echo READY\n', '-ex', 'continue', '-ex', 'kill'
        or die "gdb: $!";

    my $said = '';
    while (my $line = <$gdb>) {
        $said .= $line;
        last if $line =~ /READY/;
    }

    if ($said !~ /READY/) {
        $t->finish;
        plan skip_all => 'this place does not let us debug';
    }

    $do->();

    $said .= $_ while <$gdb>;
    close $gdb;
    like($said, qr/Breakpoint 1, .*\b$function \(/, "it died in $function()");

    ok($t->wait_for(sub { grep { !$before{$_} } $t->workers }),
        'and another one came');

    return $victim;
}

sub ends {
    my ($ref) = @_;

    my $asked = $t->await_said('asked', sled_req_id => $ref) or return 'none';
    my $id = $asked->{req_id};

    $t->wait_for(sub { $t->said('expired', req_id => $id)
        || $t->said('withdrawn', req_id => $id) });

    return scalar($t->said('asked', req_id => $id)) . ' '
        . ($t->said('expired', req_id => $id)
           + $t->said('withdrawn', req_id => $id));
}

# ---- before the line is written: another process writes it

my $sled = $t->sled('alpha');
my $pid = crash($sled, 'ngx_uplink_line', sub { $sled->ask('r1', {}) });

is(ends('r1'), '1 1', 'its line is written all the same');
my $lost = $t->await_said('worker_lost', pid => $pid);
ok($lost, 'the death is told');

my $text = $t->read_file('audit.log');
like($text, qr/"event":"asked","again_chain":"$lost->{after_chain}"/,
    'as one that may stand there twice');
is(() = $text =~ /"sled_req_id":"r1"/g, 1, 'though it does not');
is(($t->verify)[0], 0, 'the chains are whole');

# ---- behind the write: it stands there twice, and says so

$sled = $t->sled('beta');
$pid = crash($sled, 'ngx_uplink_journal_done', sub { $sled->ask('r2', {}) });

is(ends('r2'), '1 1', 'it counts once');
$lost = $t->await_said('worker_lost', pid => $pid);
my ($again) = grep { $_ }
    $t->read_file('audit.log') =~ /"again_seq":(\d+),"req_id":"[^"]*","kind":
        "perm_request","sled":"beta","sled_req_id":"r2"/x;
is($again, $lost->{after_seq} + 1, 'the second one names the first');
is(() = $t->read_file('audit.log') =~ /"sled_req_id":"r2"/g, 2,
    'which is there');
is(($t->verify)[0], 0, 'the chains are whole');

# ---- with the lock held: the zone is emptied, and that is told

$sled = $t->sled('gamma');
$pid = crash($sled, 'ngx_uplink_request_change',
    sub { $sled->ask('r3', {}) });
$t->allow(qr/shared memory zone "main" was locked by $pid/);
$t->allow(qr/process $pid died in ngx_uplink_request_open\(\) and left/);

ok($t->wait_for(sub { ($t->zone // {})->{counters}{zone_quarantines} }),
    'the zone is emptied');
$sled = $t->sled('delta');
ok($t->await_said('sled_admitted', sled => 'delta'), 'work goes on');
ok($t->await_said('emptied'), 'and that is told');
is(scalar $t->said('emptied'), 1, 'once');

$t->finish(leaves => 'sleds may resume');
is(($t->verify)[0], 0, 'the chains are whole');

done_testing;
