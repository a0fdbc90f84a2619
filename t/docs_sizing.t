#!/usr/bin/perl

# not with sanitizers: they have memory of their own

# The memory that docs/operations.md tells administrators to plan for, by a
# gateway that holds some of everything.  What is measured must be what is
# written, give or take a tenth; UPLINK_SIZES=1 prints it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use Uplink::Docs;
use Uplink::Fleet;

plan skip_all => 'sizes are not those of sanitizers or valgrind'
    if $ENV{UPLINK_SAN} || $ENV{UPLINK_VALGRIND};

my $true = JSON::PP::true;
my $t = Uplink::Fleet->new;

$t->fleet(<<'EOC', size => '32m', memory => '1h', workers => 1,
    uplink_max_inflight 10000;
    uplink_max_terminals 1000;
    uplink_ping_interval 0;
    uplink_resume_window 2s;
    request_pool_size 6k;
EOC
    connections => 4096)->run;

my %measured;

sub used { $t->status->{zone}{used} }

# of the worker's own memory, not shared with the master

sub anon {
    my ($worker) = $t->workers;

    my ($kb) = $t->read_file("/proc/$worker/smaps_rollup")
        =~ /^Pss_Anon:\s+(\d+) kB/m or return 0;

    return $kb * 1024;
}

# the growth of the zone for one of n; the first one of all is made before

sub measure {
    my ($name, $n, $make) = @_;

    my @kept = $make->(0);
    my $before = used();

    push @kept, $make->($_) for 1 .. $n;
    $measured{$name} = int((used() - $before) / $n);

    return @kept;
}

my @ops = measure('an operator\'s session', 250, sub {
    my $r = $t->http(POST => '/v1/operators', json => { desc => 'night' });
    $t->{sessions}{$r->json->{sid}} = 1;
    return;
});

my $memory = anon();
my @sleds = measure('a sled', 250, sub { $t->sled("sled-$_[0]") });
$memory = int((anon() - $memory) / 251);

my $sled = $sleds[0];

# all that was said before has arrived

sub heard {
    $sled->say('heartbeat');
    return $sled->await('heartbeat_ack');
}

measure('an ended request', 200, sub {
    $sled->ask("e$_[0]", { command => 'ls -l /srv/work' });
    heard();
    my $open = $t->http(GET => '/v1/requests')->json->{requests};
    $t->decide($open->[0]{req_id}, approved => $true);
    $sled->await('perm_response');
    return;
});

measure('an open request', 500, sub {
    $sled->ask("r$_[0]", { command => 'ls -l /srv/work' });
    heard();
    return;
});

measure('its input, each KB', 100, sub {
    $sled->ask("l$_[0]", { command => 'x' x 8192 });
    heard();
    return;
});

$measured{'its input, each KB'} = int(($measured{'its input, each KB'}
    - $measured{'an open request'}) / 8);

measure('a task', 250, sub {
    $sled->send_json({ type => 'tasks', req_id => 't', payload => {
        replace => JSON::PP::false, tasks => [{ task_id => "t$_[0]",
        workspace_id => 'w', issue_id => "i$_[0]",
        work_dir => '/srv/work' }] } });
    $sled->await('tasks_ok');
    return;
});

my $term = anon();
my @browsers = measure('a terminal and its browser', 100, sub {
    my $browser = $t->browser(path => '/shell', query => 'sled=sled-1');
    $sleds[1]->open($browser, "s$_[0]");
    return $browser;
});
$term = int((anon() - $term) / 101);

# what stands is what was counted

my $s = $t->status;

is($s->{sleds}{connections}, 251, 'sleds');
is($s->{requests}{pending}, 602, 'requests that are open');
is($s->{requests}{ended}, 201, 'requests that have ended');
is($s->{terminals}{browsers}, 101, 'browsers');

$measured{'a sled\'s connection'} = $memory;
$measured{'a browser\'s connection'} = $term;

# ---- what is written; a worker's memory comes in blocks: no more than that

my $docs = Uplink::Docs->new;
my $page = 'docs/operations.md';
my @things = $docs->column($page, 'Memory', 0);
my @bytes = $docs->column($page, 'Memory', 1);
my %written = map { $things[$_] => $bytes[$_] } 0 .. $#things;

is_deeply([sort keys %written], [sort keys %measured],
    'what is measured is documented');

for my $name (sort keys %measured) {
    my $ratio = $measured{$name} / ($written{$name} || 1);

    diag("$name: $measured{$name}") if $ENV{UPLINK_SIZES};
    ok($ratio < 1.1 && $ratio > ($name =~ /connection$/ ? 0.5 : 0.9),
        "$name takes $measured{$name} bytes");
}

$_->close for @browsers, @sleds;

$t->finish(leaves => 'requests are remembered', within => 20);

done_testing;
