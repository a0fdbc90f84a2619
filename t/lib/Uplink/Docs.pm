package Uplink::Docs;

# What the documentation says and what the code has, as lists to compare.
#
#   use Uplink::Docs;
#
#   my $docs = Uplink::Docs->new;
#   my @types = $docs->column('docs/protocol.md', 'What a sled says');
#   my @names = $docs->code(qr/…a table in C…/s, qr/"(\w+)"/);
#
# Nothing here runs nginx.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);

our $root = abs_path(dirname(__FILE__) . '/../../..');

sub new {
    my ($class) = @_;

    return bless { texts => {} }, $class;
}

sub text {
    my ($self, $name) = @_;

    return $self->{texts}{$name} //= do {
        open my $file, '<', "$root/$name" or croak "$name: $!";
        local $/;
        scalar <$file>;
    };
}

# every page that belongs to the project

sub pages {
    return map { my $name = $_; $name =~ s{^\Q$root\E/}{}; $name }
        sort glob("$root/*.md $root/docs/*.md $root/conf-examples/*.md");
}

# sources of these folders, or files, below the root

sub sources {
    my ($self, @names) = @_;

    my $text = '';

    for my $name (@names) {
        $text .= $self->text(s{^\Q$root\E/}{}r)
            for sort(-d "$root/$name" ? glob("$root/$name/*.[ch]")
                : "$root/$name");
    }

    return $text;
}

# the static table of this name, what stands between its braces

sub table {
    my ($self, $file, $name) = @_;

    my ($body) = $self->text($file)
        =~ /\b\Q$name\E(?:\[\w*\])+\s*=\s*\{\n(.*?)^\};/ms
        or croak "$file has no table $name";

    return $body;
}

# the cells of a column of the tables behind a heading, before the next one
# of any level; each cell of it once, without backquotes

sub column {
    my ($self, $page, $heading, $n) = @_;

    my ($part) = $self->text($page)
        =~ /^#+ \Q$heading\E\n(.*?)(?=^#+ |\z)/ms
        or croak "$page has no heading \"$heading\"";

    return $self->cells($part, $n // 0);
}

# the same for text; the line above the dashes is no row

sub cells {
    my ($self, $text, $n) = @_;

    my @cells;
    my $head = 1;

    for my $line (split /\n/, $text) {
        if ($line !~ /^\|/) {
            $head = 1;

        } elsif ($line =~ /^\|[ -]+\|/ && $line =~ /---/) {
            $head = 0;

        } elsif (!$head) {
            my @row = map { s/^\s+|\s+$//gr } split /\|/, substr $line, 1;
            push @cells, $row[$n] // '';
        }
    }

    return @cells;
}

# what stands in backquotes

sub names {
    my ($self, @cells) = @_;

    return map { /`([^`]+)`/g } @cells;
}

# those of one list that are not in the other, sorted, as text

sub missing {
    my ($self, $all, $some) = @_;

    my %some = map { $_ => 1 } @$some;
    my %all = map { $_ => 1 } @$all;

    return join ' ', grep { !$some{$_} } sort keys %all;
}

1;
