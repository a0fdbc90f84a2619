package Uplink::Metrics;

# The text that Prometheus reads, taken apart strictly.
#
#   my $m = Uplink::Metrics->scrape($t, '/metrics');   # dies if it is wrong
#   $m->value('requests_opened_total');                # without the prefix
#   $m->value('closes_sent_total', code => 1000);
#   $m->names;                                         # as they stand there
#   $m->{family}{NAME}                                 # type, help, labels
#   $m->{text}

use strict;
use warnings;

use Carp qw(croak);

our $prefix = 'nginx_uplink_';

sub scrape {
    my ($class, $t, $path, %arg) = @_;

    my $r = $t->http(GET => $path // '/metrics', %arg);
    croak 'no metrics: ' . ($r->status // 'nothing') if $r->status != 200;

    return $class->parse($r->body);
}

sub parse {
    my ($class, $text) = @_;

    my $self = bless { text => $text, family => {}, value => {},
        names => [] }, $class;

    croak 'no newline at the end' if $text !~ /\n\z/;

    my $name;

    for my $line (split /\n/, $text) {

        if ($line =~ /^# HELP (\w+) (\S.*\S)$/) {
            croak "\"$1\" is there twice" if $self->{family}{$1};
            $name = $1;
            $self->{family}{$name} = { help => $2, labels => {} };
            push @{$self->{names}}, $name;
            next;
        }

        if ($line =~ /^# TYPE (\w+) (counter|gauge|histogram)$/) {
            croak "TYPE of \"$1\" is not behind its HELP" if $1 ne $name;
            $self->{family}{$1}{type} = $2;
            next;
        }

        $self->sample($name, $line);
    }

    return $self;
}

sub sample {
    my ($self, $name, $line) = @_;

    my ($sample, undef, $labels, $value) = $line
        =~ /^(\w+)(\{(.*)\})? (\d+(?:\.\d+)?)$/s or croak "line: $line";

    my $family = $self->{family}{$name} // croak "nothing before: $line";
    my $base = $family->{type} eq 'histogram'
        ? $sample =~ s/_(?:bucket|sum|count)\z//r : $sample;
    croak "\"$sample\" stands below \"$name\"" if $base ne $name;

    my @labels;

    for ($labels // '') {
        while (/\G(\w+)="((?:[^"\\\n]|\\[\\"n])*)",?/gc) {
            my ($label, $text) = ($1, $2);

            $text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
            push @labels, $label, $text;

            $family->{order}{$label} //= [];
            push @{$family->{order}{$label}}, $text
                if !$family->{labels}{$label}{$text}++;
        }

        croak "labels: $line" if (pos // 0) != length;
    }

    my $key = join "\0", $sample, @labels;
    croak "twice: $line" if exists $self->{value}{$key};

    $self->{value}{$key} = $value;

    return;
}

sub names { @{$_[0]{names}} }

sub value {
    my ($self, $name, @labels) = @_;

    my $key = join "\0", "$prefix$name", @labels;

    return $self->{value}{$key} // croak "there is no $name @labels";
}

# how much more than before: name, labels

sub since {
    my ($self, $before, @what) = @_;

    return $self->value(@what) - $before->value(@what);
}

1;
