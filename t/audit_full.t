#!/usr/bin/perl

# A disk that is full, for real: said in the error log, in the status and in
# the metrics; with on_error=deny no approval without its line; and when there
# is room again everything that could be kept is written, and the rest told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Audit;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);
my $mounted;

END { system("umount -l $mounted") if $mounted }

# the log is /dev/full at first, then a file: USR1 opens the path again

sub broken {
    my ($parameters, %arg) = @_;

    my $t = Uplink::Audit->new;
    my $more = delete $arg{more} // '';

    symlink '/dev/full', "$t->{dir}/audit.log" or die $!;

    $t->audit($parameters, $more, %arg)->run;

    return $t;
}

sub mend {
    my ($t) = @_;

    unlink "$t->{dir}/audit.log";
    $t->signal('USR1');
    $t->wait_for(sub { -e "$t->{dir}/audit.log" });

    return $t->wait_for(sub { $t->status->{audit}{failing} == 0 });
}

# ---- on_error=deny

my $t = broken('on_error=deny', more => 'location = /prometheus {
    uplink_status main format=prometheus; }');

my $sled = $t->sled('alpha', at => 0);
my $op = $t->operator(at => 1);

sub ask {
    my ($id) = @_;

    $sled->ask($id, { id => $id });

    return $op->await('perm_request');
}

my $q = ask('r1');

$op->decide($q, approved => $true);
my $error = $op->await('error');
is($error->{code}, 'audit_failed', 'no approval without its line');
is($error->{req_id}, $q->{req_id}, 'of this request');

my $r = $t->decide($q->{req_id}, approved => $true);
is($r->status, 503, 'neither over REST');
is($r->json->{error}{code}, 'audit_failed', 'the same code');

is($t->http(GET => "/v1/requests/$q->{req_id}")->json->{state}, 'open',
    'the request is still open');

$op->decide($q, approved => $false, reason => 'no');
is($sled->answers('r1')->{r1}{approved}, $false, 'a denial goes through');

$sled->send_json({ type => 'ask', req_id => 'q1', payload => {
    operator => $op->{session}{sid}, task_id => 't', question => '?' } });
$op->send_json({ type => 'answer', value => 42,
    req_id => $op->await('ask')->{req_id} });
is(($sled->await('answer') // {})->{payload}{value}, 42, 'so does an answer');

$sled->send_json({ type => 'hook_before', req_id => 'h1', payload => {
    operator => $op->{session}{sid}, task_id => 't', agent => 'a',
    attempt => 1 } });
my $hook = $op->await('hook_before');
$op->send_json({ type => 'hook_ack', req_id => $hook->{req_id}, ok => $true });
is($op->await('error')->{code}, 'audit_failed', 'a hook is an approval');
$op->send_json({ type => 'hook_ack', req_id => $hook->{req_id},
    ok => $false, reason => 'r' });
is(($sled->await('hook_ack') // {})->{payload}{ok}, $false, 'or a denial');

like($t->log, qr{\[crit\].* write\(\) to uplink audit log "\S+" failed},
    'the error log has it');
like($t->log, qr/failed \(28: No space left on device\)/, 'and why');
unlike($t->log, qr/client sent invalid decision/, 'it is no fault of a client');
my $status = $t->status;
cmp_ok($status->{audit}{failing}, '>=', 1, 'the status has it');
cmp_ok($status->{counters}{audit_errors}, '>', 0, 'and counts it');
is($status->{counters}{audit_refused}, 3, 'and what it has stopped');
is($status->{counters}{audit_lines}, 0, 'nothing is written');
like($t->http(GET => '/prometheus')->body,
    qr/^nginx_uplink_audit_failing [12]$/m, 'the metrics have it');

ok(mend($t), 'there is room again');
like($t->log, qr/\[notice\].* uplink audit log "\S+" is written again/,
    'that is said');

$q = ask('r2');
$op->decide($q, approved => $true, always_allow => $true, reason => 'now');
is($sled->answers('r2')->{r2}{approved}, $true, 'and things are approved');
is($t->decide($q->{req_id}, approved => $true)->status, 409, 'once');

$t->finish;

my %n;
$n{$_->{event}}++ for $t->lines;

is($n{approving}, 5, 'every attempt');
is($n{not_approved}, 4, 'and what came of it');
is($n{asked}, 4, 'all that was asked meanwhile');
is($n{decided}, 4, 'and decided');
is($n{lost}, undef, 'nothing is lost');

# (lines of different workers have no order among them)

my ($first) = grep { $_->{door} eq 'operator' } $t->said('approving');
my %asked = map { $_->{req_id} => 1 } $t->said('asked');
ok($asked{$first->{req_id}}, 'what somebody wanted to approve');
is_deeply([@$first{qw(from sid)}], ['127.0.0.1', $op->{session}{sid}],
    'and who');
is_deeply([sort map { $_->{code} } $t->said('not_approved')],
    ['already_decided', ('audit_failed') x 3], 'and why it was not');
is(scalar(grep { ($_->{message} // '') eq 'now' } $t->said('approving')), 1,
    'in what words');
is(($t->verify)[0], 0, 'the chains are whole');

# ---- on_error=log stops nothing; what has no room is counted, and told

$t = broken('', size => '256k', more => 'uplink_permission_timeout 50ms;');

$sled = $t->sled('alpha', at => 0);
$op = $t->operator(at => 0);
$op->decide(ask('r1'), approved => $true);
is($sled->answers('r1')->{r1}{approved}, $true, 'log: approved all the same');

my $asked = 0;

ok($t->wait_for(sub {
    $asked += grep { $_->status == 202 } $t->http(
        POST => '/v1/permissions?wait=0',
        json => { tool_name => 'T' x 100, tool_input => {} });
    return $t->counters->{audit_lost};
}, 30), 'the zone keeps only so many lines');

ok($t->wait_for(sub { $t->status->{requests}{pending} == 0 }), 'all expire');
ok(mend($t), 'there is room again');
my $lost = $t->counters->{audit_lost};
$t->finish;

my ($told) = $t->said('lost');
my $sum = 0;
$sum += $_->{lines} for $t->said('lost');
is($sum, $lost, 'how many are lost, is told');
is($t->said('asked') + $t->said('expired') + $t->said('decided')
    + $t->said('delivered') + $lost, 2 * $asked + 3, 'no more than these');
is(($t->verify)[0], 0, 'the chains are whole');

# ---- a file system that is full in the middle of a line

SKIP: {
    $t = Uplink::Audit->new;
    my $disk = "$t->{dir}/disk";

    mkdir $disk;
    skip 'no tmpfs may be mounted here', 7 if $> != 0
        || system("mount -t tmpfs -o size=128k none $disk 2> /dev/null") != 0;
    $mounted = $disk;

    $t->audit('input=on', '', path => "$disk/audit.log")->run;
    $t->{files} = ["$disk/audit.log"];

    $sled = $t->sled('alpha', at => 0);
    $op = $t->operator(at => 0);

    my $n = 0;

    # other things fill the disk; lines of 15 KB do the rest

    $t->write_file("$disk/other", 'x' x 65536);

    ok($t->wait_for(sub {
        $n++;
        $sled->ask("r$n", { text => 'x' x 14000 });
        $op->decide($op->await('perm_request'), approved => $true);
        $sled->answers("r$n");
        return $t->status->{audit}{failing};
    }), 'the disk is full');

    my ($code, $said) = $t->verify("$disk/audit.log");
    is($code, 1, 'a line is cut off');
    like($said, qr/broken: torn: the line is cut off/, 'and named');

    unlink "$disk/other";
    ok($t->wait_for(sub { $t->status->{audit}{failing} == 0 }),
        'there is room again');

    $t->finish;

    ($code, $said) = $t->verify("$disk/audit.log");
    is($code, 0, 'the chains are whole');
    like($said, qr/torn: the line comes again/, 'and the piece is named');
    is_deeply([map { scalar $t->said($_) } qw(asked decided delivered lost)],
        [$n, $n, $n, 0], 'every line is there');
}

done_testing;
