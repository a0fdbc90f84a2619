package Uplink::Check;

# What every test checks without saying it.  Part of Uplink::Test.

use strict;
use warnings;

use Test::More ();

# what must be 0 when everybody has left

my @gauges = qw(
    sleds.connections sleds.paused operators.connected
    terminals.sessions terminals.browsers requests.pending
);

# the status of the zone as data, or nothing where the test has no door to it

sub zone {
    my ($self) = @_;

    my $path = $self->{option}{status} // return;
    my $r = eval { $self->http(GET => $path, limit => 3) } or return;

    return $r->json;
}

sub zone_start {
    my ($self) = @_;

    $self->{zone_start} = $self->zone;
    return;
}

sub gauge {
    my ($status, $name) = @_;

    my $value = $status;

    for my $part (split /\./, $name) {
        return if ref $value ne 'HASH';
        $value = $value->{$part};
    }

    return $value;
}

# what is not as it was: a sentence, or an empty string.  Sessions, ended
# requests and the sleds that may still resume are entries that stay for the
# times that are configured; more entries than these are lost ones.

my @lasting = qw(operators.sessions requests.ended sleds.agents);

sub zone_difference {
    my ($self, $empty) = @_;

    my $now = $self->zone or return 'the status cannot be read';

    my @wrong = map { "$_ is " . gauge($now, $_) }
        grep { gauge($now, $_) } @gauges, $empty ? @lasting : ();

    my ($entries, $used) = map { [ gauge($self->{zone_start}, $_),
        gauge($now, $_) ] } qw(zone.entries zone.used);

    my $lasting = 0;
    $lasting += gauge($now, $_) // 0 for @lasting;

    push @wrong, "zone.entries was $entries->[0], is $entries->[1], and"
        . " $lasting of them may stay" if $entries->[1] > $entries->[0]
                                       + $lasting;

    push @wrong, "zone.used was $used->[0], is $used->[1]"
        if $lasting == 0 && $used->[1] != $used->[0];

    return join ', ', @wrong;
}

# finish([empty => 1, signal => 'QUIT', limit => 8]); empty: not even a
# session, an ended request or a sled that may resume is left in the zone

sub finish {
    my ($self, %arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $client (grep { $_ } @{$self->{clients}}) {
        $client->close;
    }

    if ($self->{zone_start} && !$self->exited) {
        my $difference;

        $self->wait_for(sub {
            $difference = $self->zone_difference($arg{empty});
            return $difference eq '';
        }, $arg{limit} // 8);

        Test::More::is($difference, '', 'the zone is as it was');
    }

    my $status = $self->exited ? $self->{status}
        : $self->stop($arg{signal} // 'QUIT');

    if (!defined $status) {
        my %title = $self->children;
        Test::More::diag("still there: $_ $title{$_}") for keys %title;
    }

    Test::More::is($status, 0, 'nginx ended, and in time');
    $self->destroy;
    $self->log_checks;

    return;
}

sub log_checks {
    my ($self) = @_;

    my @bad = grep { /\[(?:alert|emerg)\]|exited on signal/ }
        split /\n/, $self->log;

    for my $allowed (@{$self->{allowed}}) {
        @bad = grep { !/$allowed/ } @bad;
    }

    Test::More::is(join("\n", @bad), '', 'no alert in the error log')
        or $self->log_tail;

    Test::More::is($self->reports, '', 'no report of a sanitizer')
        if $ENV{UPLINK_SAN} || $ENV{UPLINK_VALGRIND};

    return;
}

# what ASan, UBSan and valgrind have written, less the leaks of nginx itself

sub reports {
    my ($self) = @_;

    # libubsan writes to stderr, and that is the error log

    my $all = join '', map { "$_\n" } grep { /: runtime error: / }
        split /\n/, $self->log . $self->read_file('stderr.log');

    for my $name (glob "$self->{dir}/{asan,valgrind}.*") {
        my $text = $self->read_file($name);
        $text = leaks($text) if $text =~ /ERROR: LeakSanitizer/;
        $all .= "$name:\n$text" if $text =~ /\S/;
    }

    return $all;
}

# A worker that exits gives up what core allocated in its init.  Everything
# allocated through the module, or by anybody in the event loop, is a leak.

sub leaks {
    my ($text) = @_;

    return join "\n\n", grep {
        /ngx_uplink|<unknown module>|ngx_process_events_and_timers/
        || /ERROR: (?!LeakSanitizer: detected)|^SUMMARY: (?!.* leaked in )/m
    } split /\n\n/, $text;
}

1;
